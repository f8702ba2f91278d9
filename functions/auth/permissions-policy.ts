/** What no page of ours, and nothing that gets into one, may ask a browser for. Names that browsers know: others fill their consoles. */
export const permissionsPolicy = ['camera', 'microphone', 'geolocation', 'payment', 'usb', 'display-capture', 'midi']
  .map((feature) => `${feature}=()`)
  .join(', ')
