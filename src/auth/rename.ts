import type { AuthRequest } from './request.ts'

/** `user` replaces the whole name, `username` the part before the @, `domain` the part behind it. */
export function renameUser(request: AuthRequest, field: 'user' | 'username' | 'domain', value: string): void {
  const renamed = renamedUser(request.user, field, value)
  if (renamed === '') {
    request.logDatabase('error', 'username attempted to be changed to empty')
    request.failed = true
    return
  }
  if (renamed === request.user) return
  if (request.isDebug) request.logDatabase('debug', `username changed ${request.user} -> ${renamed}`)
  request.user = renamed
}

function renamedUser(user: string, field: 'user' | 'username' | 'domain', value: string): string {
  const at = user.indexOf('@')
  if (field === 'user') return value
  if (field === 'domain') return `${at < 0 ? user : user.slice(0, at)}@${value}`
  return value.includes('@') || at < 0 ? value : `${value}${user.slice(at)}`
}
