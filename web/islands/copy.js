/** Copy buttons: `<button data-copy="id of an input">`. */
// Read out and never seen: a button that changes its words says nothing to a screen reader.
const told = document.body.appendChild(document.createElement('output'))
told.className = 'unseen'

for (const button of document.querySelectorAll('button[data-copy]')) {
  if (!(button instanceof HTMLButtonElement)) continue
  button.addEventListener('click', async () => {
    const field = document.getElementById(button.dataset.copy ?? '')
    if (!(field instanceof HTMLInputElement)) return
    field.select()
    // Without https there is no clipboard to write to: the text is selected, and Ctrl-C takes it.
    const copied = await navigator.clipboard?.writeText(field.value).then(
      () => true,
      () => false,
    )
    button.textContent = copied ? 'Copied' : 'Selected: press Ctrl-C'
    told.textContent = button.textContent
  })
}
