import { enableCondstore } from '../server/condstore.ts'
import { command } from '../server/command.ts'
import { BadCommand } from '../server/bad-command.ts'

/** ENABLE. RFC 5161; CONDSTORE and QRESYNC from RFC 7162. What nobody knows is passed over. */
export const enable = command({
  name: 'ENABLE',
  needs: 'authenticated',
  parse(args) {
    const names: string[] = []
    while (!args.ended) {
      const name = args.atom()
      if (name === undefined) throw new BadCommand('Invalid arguments')
      names.push(name.toUpperCase())
    }
    return names
  },
  async run(session, names) {
    const known = names.filter((name) => name === 'CONDSTORE' || name === 'QRESYNC')
    if (known.length > 0) {
      session.out.text(`* ENABLED ${known.join(' ')}\r\n`)
      enableCondstore(session)
    }
    if (known.includes('QRESYNC')) session.qresync = true
    const elsewhere = session.remote?.selected
    if (elsewhere !== undefined) {
      await session.remote?.use(elsewhere.place, async (connection) => await session.remote?.enable(connection))
    }
    return { text: 'OK Enabled', sync: { expunge: true, safe: true } }
  },
})
