import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sentClockSeconds } from '../../src/storage/message/date.ts'
import { MessageSearch } from '../../src/storage/message/search-text.ts'
import { readSection } from '../../src/storage/message/section.ts'
import { summarise } from '../../src/storage/message/summarise.ts'
import { skipWithout } from '../peers/peers.ts'
import { corpus } from './corpus.ts'
import { type DovecotMailbox, startDovecotMailbox } from './dovecot-mailbox.ts'
import { isKnownFetch, isKnownSearch, isKnownSection } from './known-differences.ts'
import { parseFetch } from './fetch-answer.ts'
import { parseEsearch } from './search-answer.ts'
import { SEARCH_KEYS, searchCommand } from './search-keys.ts'
import { sectionsOf } from './sections.ts'

const skip = skipWithout('dovecot-imapd')
const messages = corpus()
const summaries = messages.map(({ bytes }) => summarise(bytes))
let mailbox: DovecotMailbox | undefined

before(async () => {
  if (skip === false) mailbox = await startDovecotMailbox(messages)
})
after(() => mailbox?.stop())

async function ask(commands: readonly string[]): Promise<Buffer[]> {
  assert.ok(mailbox)
  return await mailbox.ask(commands)
}

test('the corpus has messages enough, each with a name of its own', () => {
  assert.ok(messages.length >= 500)
  assert.equal(new Set(messages.map(({ name }) => name)).size, messages.length)
})

test('sizes, ENVELOPE, BODY and BODYSTRUCTURE are what Dovecot says', { skip }, async () => {
  const complaints: string[] = []
  let compared = 0
  for (const reply of await ask(['UID FETCH 1:* (UID RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE)'])) {
    const answer = parseFetch(reply)
    if (answer === undefined) continue
    const { name, summary } = messageAt(answer.sequence)
    const ours = new Map([
      ['RFC822.SIZE', Buffer.from(String(summary.sizeVirtual))],
      ['ENVELOPE', Buffer.from(summary.envelope, 'latin1')],
      ['BODY', Buffer.from(summary.body, 'latin1')],
      ['BODYSTRUCTURE', Buffer.from(summary.bodyStructure, 'latin1')],
    ])
    for (const [item, value] of ours) {
      compared++
      const theirs = answer.items.get(item)
      if (theirs?.equals(value) !== true && !isKnownFetch(name))
        complaints.push(difference(`${name}: ${item}`, theirs, value))
    }
  }
  assert.equal(compared, messages.length * 4)
  report(complaints)
})

test('every section of every message is what Dovecot sends', { skip }, async () => {
  const sections = messages.map(({ bytes }, at) => sectionsOf(bytes, summaryOf(at).root))
  const commands = sections.map(
    (asked, at) => `UID FETCH ${at + 1} (${asked.map((section) => section.asked).join(' ')})`,
  )
  const complaints: string[] = []
  let compared = 0
  for (const reply of await ask(commands)) {
    const answer = parseFetch(reply)
    if (answer === undefined) continue
    const { name, bytes, summary } = messageAt(answer.sequence)
    for (const { named, request, window } of sections[answer.sequence - 1] ?? []) {
      compared++
      const theirs = answer.items.get(named)
      const ours = readSection(bytes, summary.root, request, window)
      if (theirs?.equals(ours) === true || isKnownSection(request, theirs, ours)) continue
      complaints.push(difference(`${name}: ${named}`, theirs, ours))
    }
  }
  assert.equal(compared, sections.flat().length)
  report(complaints)
})

/** Where words are looked for; the rest has nothing that these do not have. */
const searched = messages.flatMap(({ name, bytes }, at) =>
  /^(text|odd|address|generated [0-9]*0$)/.test(name) ? [{ name, bytes, uid: at + 1 }] : [],
)

test('TEXT, BODY, HEADER, SUBJECT, FROM and the like find what Dovecot finds', { skip }, async () => {
  const uids = searched.map(({ uid }) => uid).join(',')
  const answers = parseEsearch(
    await ask(SEARCH_KEYS.map((key) => `UID SEARCH RETURN (ALL) CHARSET UTF-8 UID ${uids} ${searchCommand(key)}`)),
  )
  assert.equal(answers.size, SEARCH_KEYS.length)
  const complaints = searched.flatMap(({ name, bytes, uid }) => {
    const search = new MessageSearch(SEARCH_KEYS)
    search.push(bytes)
    const found = search.finish()
    return SEARCH_KEYS.flatMap((key, at) => {
      if (found[at] === answers.get(at + 1)?.has(uid) || isKnownSearch(name)) return []
      return [`${JSON.stringify(key)} ${found[at] === true ? 'finds' : 'does not find'} ${name}`]
    })
  })
  report(complaints)
})

const DAYS = [
  '1-Jan-1970',
  '2-Jan-1970',
  '13-Jan-1970',
  '31-Dec-2023',
  '12-Jan-2024',
  '13-Jan-2024',
  '14-Jan-2024',
  '29-Feb-2024',
  '1-Mar-2024',
  '13-Jan-2038',
  '13-Jan-2069',
]

test('SENTON and SENTBEFORE find what Dovecot finds', { skip }, async () => {
  const keys = DAYS.flatMap((day) => [`SENTON ${day}`, `SENTBEFORE ${day}`])
  const answers = parseEsearch(await ask(keys.map((key) => `UID SEARCH RETURN (ALL) ${key}`)))
  assert.equal(answers.size, keys.length)
  const complaints = messages.flatMap(({ name }, at) => {
    const { dateSent } = summaryOf(at)
    // Dovecot keeps 32 bits without a sign.
    if (dateSent !== undefined && (dateSent.seconds < 0 || dateSent.seconds >= 2 ** 32)) return []
    const sent = sentClockSeconds(dateSent)
    return DAYS.flatMap((day, index) => {
      const midnight = Date.parse(`${day} UTC`) / 1000
      const ours = [sent >= midnight && sent < midnight + 86_400, sent < midnight]
      const theirs = [1, 2].map((offset) => answers.get(index * 2 + offset)?.has(at + 1))
      return ours[0] === theirs[0] && ours[1] === theirs[1]
        ? []
        : [`${name} on ${day}: Dovecot ${String(theirs)}, we ${String(ours)}`]
    })
  })
  report(complaints)
})

function summaryOf(at: number): ReturnType<typeof summarise> {
  const summary = summaries[at]
  assert.ok(summary)
  return summary
}

function messageAt(sequence: number): { name: string; bytes: Buffer; summary: ReturnType<typeof summarise> } {
  const message = messages[sequence - 1]
  assert.ok(message)
  return { ...message, summary: summaryOf(sequence - 1) }
}

function difference(what: string, theirs: Buffer | undefined, ours: Buffer): string {
  const show = (bytes: Buffer | undefined): string => JSON.stringify(bytes?.toString('latin1').slice(0, 400))
  return `${what}\n  Dovecot ${show(theirs)}\n  we      ${show(ours)}`
}

function report(complaints: readonly string[]): void {
  assert.equal(complaints.length, 0, `${complaints.length} differences:\n${complaints.slice(0, 20).join('\n')}`)
}
