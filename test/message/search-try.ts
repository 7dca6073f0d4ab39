import { corpus } from './corpus.ts'
import { startDovecotMailbox } from './dovecot-mailbox.ts'
import { SEARCH_KEYS, searchCommand } from './search-keys.ts'
import { MessageSearch } from '../../src/storage/message/search-text.ts'
const messages = corpus()
const box = await startDovecotMailbox(messages)
try {
  let t = performance.now()
  const replies = await box.ask(SEARCH_KEYS.map((key) => `UID SEARCH RETURN (ALL) CHARSET UTF-8 ${searchCommand(key)}`))
  console.log('searched', performance.now() - t)
  const theirs = new Map<number, Set<number>>()
  for (const r of replies) {
    const m = /^\* ESEARCH \(TAG "t(\d+)"\) UID(?: ALL ([\d:,]+))?/.exec(r.toString('latin1'))
    if (!m) continue
    const set = new Set<number>()
    for (const range of m[2]?.split(',') ?? []) { const [a, b = a] = range.split(':').map(Number); for (let i = a!; i <= b!; i++) set.add(i) }
    theirs.set(Number(m[1]) - 1, set)
  }
  t = performance.now()
  let bad = 0
  const byKey = new Map<number, string[]>()
  messages.forEach((m, i) => {
    const s = new MessageSearch(SEARCH_KEYS)
    s.push(m.bytes)
    s.finish().forEach((hit, k) => {
      if (hit !== theirs.get(k)?.has(i + 1)) { bad++; byKey.set(k, [...(byKey.get(k) ?? []), `${hit ? '+' : '-'}${m.name}`]) }
    })
  })
  console.log('ours', performance.now() - t)
  for (const [k, names] of byKey) console.log(JSON.stringify(SEARCH_KEYS[k]), names.length, names.slice(0, 6))
  console.log('bad', bad)
} catch (e) { console.log(e, box.log.slice(-20).join('\n')) } finally { await box.stop() }
