import { message } from './corpus/corpus-message.ts'
import { startDovecotMailbox } from './dovecot-mailbox.ts'
import { searchCommand } from './search-keys.ts'
const value = process.argv[2]!
// grow the text char by char: find all printable extension
const ms = [message('x', `To: ${value}\n\nbody\n`)]
const box = await startDovecotMailbox(ms)
try {
  const alphabet = [...' ":;,<>@().\\abcdefghijklmnopqrstuvwxyz_=?0123456789']
  const has = async (ns: string[]) => { const r = await box.ask(ns.map((n) => `UID SEARCH RETURN (ALL) ${searchCommand({ kind: 'addresses', name: 'To', value: n })}`)); const out = ns.map(() => false); for (const x of r) { const m = /TAG "t(\d+)"\) UID( ALL)?/.exec(x.toString()); if (m) out[Number(m[1]) - 1] = m[2] !== undefined } return out }
  let text = process.argv[3]!
  for (let grow = true; grow;) { grow = false; const r = await has(alphabet.map((c) => text + c)); const i = r.indexOf(true); if (i >= 0) { text += alphabet[i]; grow = true } }
  for (let grow = true; grow;) { grow = false; const r = await has(alphabet.map((c) => c + text)); const i = r.indexOf(true); if (i >= 0) { text = alphabet[i] + text; grow = true } }
  console.log(text)
} finally { await box.stop() }
