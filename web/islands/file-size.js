/** A file that would be refused for its size says so before it is sent: `<input type="file" data-most="bytes">`. */
for (const input of document.querySelectorAll('input[type=file][data-most]')) {
  if (!(input instanceof HTMLInputElement)) continue
  input.addEventListener('change', () => {
    const most = Number(input.dataset.most)
    const size = input.files?.[0]?.size ?? 0
    input.setCustomValidity(size > most ? `This file is larger than ${Math.floor(most / 2 ** 20)} MiB.` : '')
    input.reportValidity()
  })
}
