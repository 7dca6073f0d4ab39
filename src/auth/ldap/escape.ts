// LDAP filters and names: nothing that a variable holds can change what is asked. RFC 4515 §3, RFC 4514 §2.4.

/** Dovecot's escaping of a variable in a filter, base or DN: special characters and bytes that are not ASCII become `\XX`. */
export function escapeLdap(value: string): string {
  if (!/[^0-9A-Za-z@._-]/.test(value)) return value
  let escaped = ''
  for (const byte of Buffer.from(value, 'utf8')) escaped += isSpecial(byte) ? hex(byte) : String.fromCharCode(byte)
  return escaped
}

function isSpecial(byte: number): boolean {
  return byte >= 0x80 || byte < 0x20 || byte === 0x7f || '*,\\#+<>;"()= '.includes(String.fromCharCode(byte))
}

function hex(byte: number): string {
  return `\\${byte.toString(16).toUpperCase().padStart(2, '0')}`
}

/**
 * A filter as ldapts wants it: ldapts takes `\C3\BC` for two characters, so what is UTF-8 is written as it is. `undefined`:
 * the filter holds bytes that are not UTF-8.
 */
export function ldaptsFilter(filter: string): string | undefined {
  let isText = true
  const written = filter.replace(/(?:\\[0-9a-f]{2})+/gi, (run) => {
    const bytes = Buffer.from(run.replaceAll('\\', ''), 'hex')
    const text = bytes.toString('utf8')
    if (!Buffer.from(text, 'utf8').equals(bytes)) isText = false
    return text.replace(/[\0-\x7f]/g, (char) => hex(char.charCodeAt(0)))
  })
  return isText ? written : undefined
}
