import type { Complaint } from '../complaint.ts'
import type { Block } from './block.ts'

/** Words that make sense as a driver; the word after `passdb` or `userdb` is a mere label to Dovecot 2. */
const DRIVERS = new Set(
  'static passwd-file sql ldap oauth2 prefetch pam passwd shadow imap dict lua checkpassword bsdauth'.split(' '),
)

/** Lets `userdb sql { args = ... }` mean what its author means: a database without driver is of the kind it is named after. */
export function assumeDrivers(blocks: readonly Block[]): readonly Complaint[] {
  const complaints: Complaint[] = []
  for (const { lists, values } of blocks) {
    for (const kind of ['passdb', 'userdb']) {
      for (const { id, at } of lists.get(kind) ?? []) {
        const name = values.get(`${kind}/${id}/name`)?.text ?? ''
        if (values.has(`${kind}/${id}/driver`) || !DRIVERS.has(name)) continue
        values.set(`${kind}/${id}/driver`, { text: name, value: name, at })
        complaints.push({
          severity: 'warning',
          text: `${kind} ${name} {} is missing driver, assuming driver = ${name}`,
          at,
        })
      }
    }
  }
  return complaints
}
