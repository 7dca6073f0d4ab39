import type { Argument } from '../wire/argument-reader.ts'
import { quoted } from '../wire/argument-writer.ts'
import { BadCommand } from '../server/bad-command.ts'
import { command } from '../server/command.ts'
import { encodeMutf7 } from '../../../util/mutf7.ts'
import { astringText } from '../server/mailbox-argument.ts'
import type { ImapSession } from '../server/session.ts'
import { Turn } from '../server/turn.ts'
import { collect, type Listed } from './list/collect.ts'
import { listAttributes } from './list/attributes.ts'
import { LIST_EXTRAS, type SayExtra } from './list/extras.ts'
import { type ListOptions, parseReturnOptions, parseSelectOptions, PLAIN_OPTIONS } from './list/options.ts'
import { decodePatterns, patternTexts, rootOf } from './list/pattern.ts'

interface ListArgs {
  readonly reference: string
  readonly patterns: readonly string[]
  readonly options: ListOptions
  /** Extended: RFC 5258 rules for what is said. */
  readonly extended: boolean
  readonly extras: readonly { readonly name: string; readonly args: readonly Argument[] }[]
}

/** LIST. RFC 3501 §6.3.8; LIST-EXTENDED from RFC 5258, LIST-STATUS from RFC 5819, SPECIAL-USE from RFC 6154, LIST-MYRIGHTS from RFC 8440. */
export const list = listing('LIST')

/** XLIST: the same, from before RFC 6154, and told to nobody. */
export const xlist = listing('XLIST')

function listing(name: 'LIST' | 'XLIST') {
  return command<ListArgs>({
    name,
    needs: 'authenticated',
    parse(args) {
      const selection = args.list()
      const selected = selection === undefined ? undefined : parseSelectOptions(selection)
      const reference = args.astring()
      if (reference === undefined) throw new BadCommand('Invalid reference')
      const next = args.next()
      const patterns = patternTexts(next)
      const returned = parseReturnOptions(args, LIST_EXTRAS)
      const extended = selected !== undefined || next?.kind === 'list' || returned !== undefined
      const options = extended ? { ...NO_OPTIONS, ...selected, ...returned?.options } : PLAIN_OPTIONS
      return { reference, patterns, options: combine(options, selected), extended, extras: returned?.extras ?? [] }
    },
    async run(session, { reference, patterns, options, extended, extras }) {
      const [only] = patterns
      if (patterns.length === 1 && only === '' && !extended) {
        sayRoot(session, reference)
        return { text: 'OK List completed' }
      }
      const says = extras.map((extra) => sayOf(extra, session)).filter((say) => say !== undefined)
      const listed = await collect(session.store, decodePatterns(reference, patterns), options)
      await sayAll(session, listed, { options, extended, says })
      return { text: 'OK List completed' }
    },
  })
}

/** Throws BadCommand. */
function sayOf({ name, args }: ListArgs['extras'][number], { mail }: ImapSession): SayExtra | undefined {
  const extra = LIST_EXTRAS.get(name)
  if (extra?.plugin !== undefined && !mail.plugins.has(extra.plugin)) throw new BadCommand('Unknown return options')
  return extra?.make(args)
}

const NO_OPTIONS: ListOptions = {
  subscribedOnly: false,
  specialUseOnly: false,
  recursive: false,
  showSubscribed: false,
  showChildren: false,
  showSpecialUse: false,
}

/** What is selected by is also shown. RFC 5258 §3.1, RFC 6154 §2. */
function combine(options: ListOptions, selected: Partial<ListOptions> | undefined): ListOptions {
  return {
    ...options,
    showSubscribed: options.showSubscribed || selected?.subscribedOnly === true,
    showSpecialUse: options.showSpecialUse || selected?.specialUseOnly === true,
  }
}

interface Style {
  readonly options: ListOptions
  readonly extended: boolean
  readonly says: readonly SayExtra[]
}

async function sayAll(
  session: ImapSession,
  listed: readonly Listed[],
  { options, extended, says }: Style,
): Promise<void> {
  const { out } = session
  const turn = new Turn()
  for (const one of listed) {
    const name = astringText(encodeMutf7(one.entry.name) ?? '')
    const childInfo = extended && one.childSubscribed ? ' (CHILDINFO ("SUBSCRIBED"))' : ''
    const separator = quoted(one.entry.namespace.separator)
    out.text(`* LIST (${listAttributes(one, options, extended)}) ${separator} ${name}${childInfo}\r\n`)
    for (const say of says) await say(session, one)
    if (out.full) await out.drained()
    if (turn.over) await turn.next()
  }
}

/** `LIST "" ""`: which separator is there? */
function sayRoot({ out, store }: ImapSession, reference: string): void {
  const { separator, root } = rootOf(store, reference)
  out.text(`* LIST (\\Noselect) ${quoted(separator)} ${astringText(root)}\r\n`)
}
