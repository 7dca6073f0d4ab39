import type { Argument } from '../../wire/argument-reader.ts'
import type { Arguments } from '../../server/arguments.ts'
import { BadCommand } from '../../server/bad-command.ts'

/** What LIST selects and shows. RFC 5258 §3. */
export interface ListOptions {
  readonly subscribedOnly: boolean
  readonly specialUseOnly: boolean
  readonly recursive: boolean
  readonly showSubscribed: boolean
  readonly showChildren: boolean
  readonly showSpecialUse: boolean
}

/** LIST as RFC 3501 has it; Dovecot shows children and uses there too. */
export const PLAIN_OPTIONS: ListOptions = {
  subscribedOnly: false,
  specialUseOnly: false,
  recursive: false,
  showSubscribed: false,
  showChildren: true,
  showSpecialUse: true,
}

/** list-select-opts. */
export function parseSelectOptions(items: readonly Argument[]): Partial<ListOptions> {
  const names = items.map((item) => (item.kind === 'atom' ? item.text.toUpperCase() : undefined))
  for (const name of names) {
    if (name === undefined) throw new BadCommand('List options contains non-atoms')
    if (!SELECT.has(name)) throw new BadCommand('Unknown select options')
  }
  const recursive = names.includes('RECURSIVEMATCH')
  const others = names.filter((name) => name !== 'RECURSIVEMATCH' && name !== 'REMOTE')
  if (recursive && others.length === 0) throw new BadCommand('RECURSIVEMATCH must not be the only selection')
  return { subscribedOnly: names.includes('SUBSCRIBED'), specialUseOnly: names.includes('SPECIAL-USE'), recursive }
}

export interface ReturnOptions {
  readonly options: Partial<ListOptions>
  readonly extras: readonly { readonly name: string; readonly args: readonly Argument[] }[]
}

/** `RETURN (list-return-opts)`; undefined without it. `extras`: names of what others add. */
export function parseReturnOptions(
  args: Arguments,
  extras: ReadonlyMap<string, { readonly takesList: boolean }>,
): ReturnOptions | undefined {
  if (args.ended) return undefined
  const word = args.atom()?.toUpperCase()
  const items = word === 'RETURN' ? args.list() : undefined
  if (items === undefined) throw new BadCommand('Extra arguments')
  const options: { showSubscribed?: boolean; showChildren?: boolean; showSpecialUse?: boolean } = {}
  const found: { name: string; args: readonly Argument[] }[] = []
  for (let i = 0; i < items.length; i++) {
    const item = items[i]
    if (item?.kind !== 'atom') throw new BadCommand('List options contains non-atoms')
    const name = item.text.toUpperCase()
    if (name === 'SUBSCRIBED') options.showSubscribed = true
    else if (name === 'CHILDREN') options.showChildren = true
    else if (name === 'SPECIAL-USE') options.showSpecialUse = true
    else if (extras.get(name)?.takesList === false) found.push({ name, args: [] })
    else if (extras.has(name) && items[i + 1]?.kind === 'list') {
      const list = items[++i]
      found.push({ name, args: list?.kind === 'list' ? list.items : [] })
    } else throw new BadCommand('Unknown return options')
  }
  return { options, extras: found }
}

const SELECT: ReadonlySet<string> = new Set(['SUBSCRIBED', 'RECURSIVEMATCH', 'SPECIAL-USE', 'REMOTE'])
