import { compileTemplate, loginShortNames } from '../config/expand.ts'
import type { ClientIdentity, Protocol } from '../protocols/protocol.ts'

/** `login_greeting` with its variables: %l %r %p %s and %{local_name}. */
export function expandGreeting(
  text: string,
  protocol: Pick<Protocol, 'name'>,
  { local, remote, localName }: ClientIdentity,
): string {
  const template = compileTemplate(text, loginShortNames)
  if (template.isConstant) return template.expand(() => undefined)
  const values = new Map([
    ['lip', local.ip],
    ['rip', remote.ip],
    ['service', protocol.name],
    ['local_name', localName ?? ''],
  ])
  return template.expand((name) => values.get(name))
}
