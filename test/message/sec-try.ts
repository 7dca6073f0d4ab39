import { corpus } from './corpus.ts'
import { startDovecotMailbox } from './dovecot-mailbox.ts'
import { parseFetch } from './fetch-answer.ts'
import { sectionsOf } from './sections.ts'
import { readSection } from '../../src/storage/message/section.ts'
import { summarise } from '../../src/storage/message/summarise.ts'
const messages = corpus()
const box = await startDovecotMailbox(messages)
const only = process.argv[2]
try {
  const t = performance.now()
  const sums = messages.map((m) => summarise(m.bytes))
  const secs = sums.map((s, i) => sectionsOf(messages[i]!.bytes, s.root))
  console.log(
    secs.reduce((n, s) => n + s.length, 0),
    'sections',
  )
  const answers = await box.ask(
    messages.map((_, at) => `UID FETCH ${at + 1} (${secs[at]!.map((s) => s.asked).join(' ')})`),
  )
  console.log('fetched', performance.now() - t)
  let bad = 0,
    n = 0
  for (const reply of answers) {
    const a = parseFetch(reply)
    if (!a) continue
    n++
    const m = messages[a.sequence - 1]!
    for (const s of secs[a.sequence - 1]!) {
      const mine = readSection(m.bytes, sums[a.sequence - 1]!.root, s.request, s.window)
      const theirs = a.items.has(s.named) ? a.items.get(s.named) : Buffer.from('(no answer)')
      if (theirs === undefined ? mine !== undefined : mine === undefined || !mine.equals(theirs)) {
        bad++
        if (only ? m.name.includes(only) : bad < 40)
          console.log(
            `--- ${m.name} ${s.asked}\n D ${JSON.stringify(theirs?.toString('latin1').slice(0, 200))}\n P ${JSON.stringify(mine?.toString('latin1').slice(0, 200))}`,
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
