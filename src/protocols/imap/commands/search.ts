import { charsetDecoder } from '../../../storage/message/charset.ts'
import type { Argument } from '../wire/argument-reader.ts'
import { parseSearchKeys, SearchKeyError } from '../wire/search-key.ts'
import type { Arguments } from '../server/arguments.ts'
import { BadCommand, No } from '../server/bad-command.ts'
import { command } from '../server/command.ts'
import { enableCondstore } from '../server/condstore.ts'
import { SERVER_LIMITS } from '../server/limits.ts'
import { esearchText, parseSearchReturn, type SearchReturn, searchText } from '../server/search-return.ts'
import { compileSearch, type Search } from './search/compile.ts'
import { runSearch } from './search/run.ts'

interface SearchArgs {
  readonly returned: ReadonlySet<SearchReturn> | undefined
  readonly search: Search
}

/** SEARCH and UID SEARCH. RFC 3501 §6.4.4; RETURN from RFC 4731, MODSEQ from RFC 7162 §3.1.5. */
export const search = command<SearchArgs>({
  name: 'SEARCH',
  needs: 'selected',
  uid: 'also',
  parse(args) {
    const returned = parseReturn(args)
    const charset = parseCharset(args)
    if (args.ended) throw new BadCommand('Missing search parameters')
    return { returned, search: compile(args.rest(), charset) }
  },
  async run(session, { returned, search }, { tag, uid }) {
    if (search.modSeq) enableCondstore(session)
    const { numbers, modSeq } = await runSearch(session, search)
    const { mailbox, out } = session
    const found = uid ? numbers.map((number) => mailbox.message(number).uid) : numbers
    const result = { tag, uid, found, modSeq: search.modSeq ? modSeq : undefined }
    out.text(returned === undefined ? searchText(result) : esearchText(returned, result))
    return { text: 'OK Search completed', sync: { expunge: uid } }
  },
})

function parseReturn(args: Arguments): ReadonlySet<SearchReturn> | undefined {
  if (wordAt(args) !== 'RETURN') return undefined
  args.next()
  const items = args.list()
  if (items === undefined) throw new BadCommand('Unknown argument RETURN')
  return parseSearchReturn(items)
}

/** What texts of the keys are written in; undefined is UTF-8. */
function parseCharset(args: Arguments): string | undefined {
  if (wordAt(args) !== 'CHARSET') return undefined
  args.next()
  const charset = args.astring()
  if (charset === undefined) throw new BadCommand('Invalid charset argument')
  if (charsetDecoder(charset) === undefined) throw new No('[BADCHARSET] Unknown charset')
  return charset
}

function wordAt(args: Arguments): string | undefined {
  const next = args.peek()
  return next?.kind === 'atom' ? next.text.toUpperCase() : undefined
}

function compile(args: readonly Argument[], charset: string | undefined): Search {
  try {
    return compileSearch(parseSearchKeys(args, SERVER_LIMITS.searchDepth), charset)
  } catch (error) {
    throw error instanceof SearchKeyError ? new BadCommand(error.message) : error
  }
}
