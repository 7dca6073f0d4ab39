import { message } from './corpus/corpus-message.ts'
import { startDovecotMailbox } from './dovecot-mailbox.ts'
import { parseFetch } from './fetch-answer.ts'
import { summarise } from '../../src/storage/message/summarise.ts'
import { readFileSync } from 'node:fs'
const [field, file] = process.argv.slice(2)
const values: string[] = JSON.parse(readFileSync(file!, 'utf8'))
const ms = values.map((v, i) => message(String(i), field === 'raw' ? v : `${field}: ${v}\n\nbody\n`))
const box = await startDovecotMailbox(ms)
try {
  for (const r of await box.ask(['UID FETCH 1:* (UID ENVELOPE BODYSTRUCTURE)'])) {
    const a = parseFetch(r)
    if (!a) continue
    const s = summarise(ms[a.sequence - 1]!.bytes)
    const raw = (field === 'raw' && !process.env['ENV']) || field!.startsWith('Content')
    const show = (b: Buffer) => {
      const t = b.toString('latin1')
      return JSON.stringify(t)
    }
    const d = a.items.get(raw ? 'BODYSTRUCTURE' : 'ENVELOPE')!,
      p = raw ? s.bodyStructure : s.envelope
    console.log(d.equals(p) ? 'same' : 'DIFF', JSON.stringify(values[a.sequence - 1]!.slice(0, 80)), '\n   ', show(d))
    if (!d.equals(p)) console.log('   ', show(p))
  }
} catch (e) {
  console.log(e, box.log.slice(-10))
} finally {
  await box.stop()
}
