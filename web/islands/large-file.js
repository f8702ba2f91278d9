/**
 * A file that is too large for the way to the launcher is put elsewhere first, and the form then names it instead of bringing it:
 * `<form data-direct="bytes" data-offer="address" data-put-aside="module">` with an empty field `ref` and an `output`.
 */
for (const form of document.querySelectorAll('form[data-offer]')) {
  if (!(form instanceof HTMLFormElement)) continue
  const [file, ref] = [form.querySelector('input[type=file]'), form.querySelector('input[name=ref]')]
  const [told, button] = [form.querySelector('output'), form.querySelector('button[type=submit]')]
  if (!(file instanceof HTMLInputElement && ref instanceof HTMLInputElement)) continue
  if (!(told instanceof HTMLOutputElement && button instanceof HTMLButtonElement)) continue
  const { direct, offer = '', putAside = '' } = form.dataset

  form.addEventListener('submit', async (event) => {
    const chosen = file.files?.[0]
    if (!chosen || chosen.size <= Number(direct)) return
    event.preventDefault()
    button.disabled = true
    told.textContent = `Uploading ${Math.ceil(chosen.size / 2 ** 20)} MiB…`
    const put = await upload(putAside, offer, chosen).catch((error) => `It could not be sent (${error.message}).`)
    button.disabled = false
    told.textContent = typeof put === 'string' ? put : 'Uploaded. It is being read…'
    if (typeof put === 'string') return
    // Only its name is sent on.
    ref.value = put.ref
    file.disabled = true
    form.submit()
    // Whoever comes back to this page makes another upload.
    ref.value = ''
    file.disabled = false
  })
}

/**
 * @param {string} script of ours
 * @param {string} offer
 * @param {File} file
 * @returns {Promise<{ ref: string } | string>} why not, in words
 */
async function upload(script, offer, file) {
  const { putAside, unreachableWords } = await import(script)
  const headers = { 'content-type': 'application/json' }
  const ask = (/** @type {string} */ body) => fetch(offer, { method: 'POST', headers, body })
  const put = await putAside(ask, fetch.bind(window), await file.arrayBuffer())
  if (put.kind === 'there') return { ref: put.ref }
  if (put.kind === 'unreachable')
    return `${unreachableWords(put)} Nothing was changed. It can also be sent by the API, from a computer that reaches it (/openapi.json).`
  const problem = put.kind === 'refused' ? await put.response.json().catch(() => ({})) : {}
  return `It was not taken. ${problem.detail ?? 'Load this page again, and try once more.'}`
}
