import { corpus } from './corpus.ts'
import { startDovecotMailbox } from './dovecot-mailbox.ts'
import { parseFetch } from './fetch-answer.ts'
import { summarise } from '../../src/storage/message/summarise.ts'
const messages = corpus()
const box = await startDovecotMailbox(messages)
try {
  const t = performance.now()
  const answers = await box.ask(['UID FETCH 1:* (UID RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE)'])
  console.log('fetched', performance.now() - t)
  let bad = 0,
    n = 0
  const only = process.argv[2]
  for (const reply of answers) {
    const a = parseFetch(reply)
    if (!a) continue
    n++
    const { items } = a
    const m = messages[a.sequence - 1]!
    const s = summarise(m.bytes)
    const mine: Record<string, string> = {
      'RFC822.SIZE': String(s.sizeVirtual),
      ENVELOPE: s.envelope.toString('latin1'),
      BODY: s.body.toString('latin1'),
      BODYSTRUCTURE: s.bodyStructure.toString('latin1'),
    }
    for (const [k, v] of Object.entries(mine)) {
      if (k === 'BODY' && !only) continue
      const theirs = items.get(k)?.toString('latin1') ?? ''
      if (theirs !== v) {
        bad++
        let d = 0
        while (theirs[d] === v[d]) d++
        d = Math.max(0, d - 60)
        if (only ? m.name.includes(only) : bad < 60)
          console.log(
            `--- ${m.name} ${k} @${d}\n D ${JSON.stringify(theirs.slice(d, d + 180))}\n P ${JSON.stringify(v.slice(d, d + 180))}`,
          )
      }
    }
  }
  console.log('bad', bad, n, messages.length)
} catch (e) {
  console.log(e, box.log.slice(-20).join('\n'))
} finally {
  await box.stop()
}
