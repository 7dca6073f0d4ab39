import type { AuthOutcome } from '../auth.ts'
import type { OpenOptions } from './open-auth.ts'

/** A passdb or userdb block of a configuration. */
export function block(kind: string, driver: string, args: string, ...settings: string[]): string {
  return `${kind} {\n  driver = ${driver}\n  args = ${args}\n${settings.map((line) => `  ${line}\n`).join('')}}\n`
}

/** One passwd-file passdb with these lines. */
export const users = (...lines: string[]): Pick<OpenOptions, 'files' | 'conf'> => ({
  conf: block('passdb', 'passwd-file', '/users'),
  files: { '/users': `${lines.join('\n')}\n` },
})

/** The same below other settings. */
export const verbose = (more: string, ...lines: string[]): OpenOptions => ({
  ...users(...lines),
  conf: `${more}\n${users().conf}`,
})

/** Why a login was refused; the kind of any other outcome. */
export const refusal = (outcome: AuthOutcome): unknown => (outcome.kind === 'refused' ? outcome.why : outcome.kind)
