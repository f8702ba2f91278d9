/**
 * Sends the secret behind the link's `#` by POST, so that one click signs in. A link preview only ever sees the page: it
 * is not sent what stands behind `#`, and does not run this.
 */
const form = document.querySelector('form[data-link]')
const field = document.querySelector('input[name="secret"]')
const secret = location.hash.slice(1)
if (form instanceof HTMLFormElement && field instanceof HTMLInputElement && secret !== '') {
  field.value = secret
  // Out of the address bar and of this history entry; it works only once anyhow.
  history.replaceState(null, '', location.pathname)
  form.requestSubmit()
}
