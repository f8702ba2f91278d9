/** Shows every <time> in the reader's own time zone; the server does not know it. */
const form = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
for (const element of document.querySelectorAll('time')) {
  const at = new Date(element.dateTime)
  if (Number.isNaN(at.getTime())) continue
  element.title = element.textContent ?? ''
  element.textContent = form.format(at)
}
