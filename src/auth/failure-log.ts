import { createHash } from 'node:crypto'
import type { AuthRequest } from './request.ts'

/** The line about a wrong password or an unknown user, with the password as far as auth_verbose_passwords wants it. */
export function logFailure(request: AuthRequest, message: string): void {
  const given = givenPassword(request)
  if (given === undefined) {
    request.logDatabase('info', message)
    return
  }
  const kind = request.isUserdbLookup ? 'userdb' : 'passdb'
  request.logAlways(`${message} ${given}${request.hasNext ? ` - trying the next ${kind}` : ''}`)
}

function givenPassword({ settings, password, trace }: AuthRequest): string | undefined {
  const form = settings.verbosePasswords
  if (form === undefined || trace !== undefined) return undefined
  if (password === undefined) return ''
  if (form.form === 'plain') return `(given password: ${password.reveal().toString('utf8').slice(0, form.length)})`
  const sha1 = createHash('sha1').update(password.reveal()).digest('hex')
  return `(SHA1 of given password: ${sha1.slice(0, form.length)})`
}
