/** Names as logs show them: Dovecot cuts user names in log prefixes here. */
export const MAX_LOG_USER = 64

/** Text from outside for a log line: control characters become `?`, long text is cut. */
export function sanitize(text: string, max: number): string {
  const clean = /[\u0000-\u001f\u007f-\u009f]/.test(text) ? text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?') : text
  return clean.length > max ? `${clean.slice(0, max - 3)}...` : clean
}

const SECRET_FIELD = /^(pass|resp|token)$|(password|password_noscheme|_pass|_token|secret)$/

/** True for fields whose value must not be shown. */
export function isSecretField(name: string): boolean {
  return SECRET_FIELD.test(name.replace(/:(protected|remove)$/, ''))
}

/** A field's value for a person: secrets are masked. */
export function shownValue(name: string, value: string): string {
  return value !== '' && isSecretField(name) ? '[secret]' : value
}
