/** Decodes stored data, or says in Dovecot's words why not. `guess`: hex when it has that length, otherwise base64. */
export function decodeData(
  text: string,
  encoding: 'none' | 'hex' | 'base64' | 'guess',
  rawBytes?: number,
): Buffer | string {
  if (encoding === 'none') return checkLength(Buffer.from(text, 'latin1'), rawBytes)
  const isGuessedHex = encoding === 'guess' && rawBytes !== undefined && text.length === rawBytes * 2
  if (encoding === 'hex' || isGuessedHex) {
    if (isHex(text)) return checkLength(Buffer.from(text, 'hex'), rawBytes)
    if (encoding === 'hex') return "Input isn't valid HEX encoded data"
  }
  const bytes = decodeBase64(text)
  return bytes === undefined ? "Input isn't valid base64 encoded data" : checkLength(bytes, rawBytes)
}

function isHex(text: string): boolean {
  return text.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(text)
}

function checkLength(bytes: Buffer, rawBytes: number | undefined): Buffer | string {
  if (rawBytes === undefined || bytes.length === rawBytes) return bytes
  return `Input length isn't valid (${bytes.length} instead of ${rawBytes})`
}

/** Strict base64, but blanks anywhere, as Dovecot reads it; `undefined` when it is not. */
export function decodeBase64(text: string): Buffer | undefined {
  const compact = text.replace(/[ \t\r\n]+/g, '')
  if (compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) return undefined
  return Buffer.from(compact, 'base64')
}
