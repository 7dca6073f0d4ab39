/** What the C library says for an errno; Dovecot's log lines end in these. */
const ERRNO_TEXTS = new Map([
  ['EACCES', 'Permission denied'],
  ['EADDRINUSE', 'Address already in use'],
  ['EADDRNOTAVAIL', 'Cannot assign requested address'],
  ['EAFNOSUPPORT', 'Address family not supported by protocol'],
  ['ECONNABORTED', 'Software caused connection abort'],
  ['ECONNREFUSED', 'Connection refused'],
  ['ECONNRESET', 'Connection reset by peer'],
  ['EHOSTDOWN', 'Host is down'],
  ['EHOSTUNREACH', 'No route to host'],
  ['EINVAL', 'Invalid argument'],
  ['EMFILE', 'Too many open files'],
  ['ENETDOWN', 'Network is down'],
  ['ENETUNREACH', 'Network is unreachable'],
  ['ENFILE', 'Too many open files in system'],
  ['ENOENT', 'No such file or directory'],
  ['ENOTDIR', 'Not a directory'],
  ['EISDIR', 'Is a directory'],
  ['ENOBUFS', 'No buffer space available'],
  ['ENOMEM', 'Cannot allocate memory'],
  ['ENOTCONN', 'Transport endpoint is not connected'],
  ['EPERM', 'Operation not permitted'],
  ['EPIPE', 'Broken pipe'],
  ['ETIMEDOUT', 'Connection timed out'],
])

/** An errno's name (`ECONNREFUSED`) in the C library's words; unknown names as they are. */
export function errnoText(code: string): string {
  return ERRNO_TEXTS.get(code) ?? code
}

/** The `code` of a Node error. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}

/** What happened to a connection, for a log line: the errno's words, OpenSSL's reason, or the message. */
export function faultText(error: Error): string {
  const code = codeOf(error)
  if (code !== undefined && ERRNO_TEXTS.has(code)) return errnoText(code)
  return opensslText(error) ?? error.message
}

/** `error:0A00010B:SSL routines::wrong version number`, as OpenSSL's own error strings are; file and line left out. */
export function opensslText(error: Error): string | undefined {
  const parts = /error:([0-9A-F]{8}):([^:]*):[^:]*:([^:]*):[^:]*:\d+:(.*)/s.exec(error.message)
  if (parts === null) return undefined
  const [, number, library, reason, data = ''] = parts
  const tail = data.trim().split('\n')[0]
  return `error:${number}:${library}::${reason}${tail === '' ? '' : `: ${tail}`}`
}
