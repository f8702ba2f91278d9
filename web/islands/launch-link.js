/**
 * Sends what stands behind the link's `#` by POST, to see whose link it is. A link preview only ever sees the page: it is
 * not sent what stands behind `#`, and does not run this. Nothing starts before somebody gives a name and presses a button.
 */
const form = document.querySelector('form[data-launch-link]')
const field = document.querySelector('input[name="secret"]')
const secret = location.hash.slice(1)
if (form instanceof HTMLFormElement && field instanceof HTMLInputElement && secret !== '') {
  field.value = secret
  form.requestSubmit()
}
