// The tree, read from top to bottom as Dovecot reads it: what a `$name` means and what is complained about depends on the order.
import type { Complaint, SourcePosition } from '../complaint.ts'
import type { ConfigFiles } from '../files.ts'
import { FILTER_TYPES, type FilterSpec, isNarrow, nestFilter, sameFilter } from '../filter.ts'
import type { SectionSchema } from '../schema.ts'
import { authServiceSettings } from '../settings/auth.ts'
import type { RawValue } from '../syntax/line.ts'
import type { ConfigNode, ConfigTree, SectionNode } from '../syntax/tree.ts'
import { type Block, escapeName, openBlock } from './block.ts'
import { expandValue } from './expand-value.ts'
import { modernise, moderniseSection } from './obsolete.ts'
import { hasEntry, isOpenIn, type PathTarget, resolvePath, rootPlace } from './resolve-path.ts'
import type { Frame, SettingSink } from './sink.ts'

export interface EvaluateOptions {
  readonly files: ConfigFiles
  readonly env: ReadonlyMap<string, string>
  /** Replace `$names` and `<files`, as a server does. Without it values stay as written, as `doveconf -n` prints them. */
  readonly expand: boolean
  /** Treat unknown settings and tolerated ways of writing as the errors they are to Dovecot. */
  readonly strict: boolean
}

const MISSING_KEY = "Missing key name ('=' at the beginning of line)"

/** Every block of a configuration, the global one first, in the order of the file. */
export interface Evaluated {
  readonly path: string
  readonly blocks: readonly [Block, ...Block[]]
  /** In the order Dovecot would come upon them. */
  readonly complaints: readonly Complaint[]
}

/** Reads a tree into blocks, collecting all complaints. Overrides are `key=value` and come last, at the top level. */
export function evaluate(tree: ConfigTree, overrides: readonly string[], options: EvaluateOptions): Evaluated {
  return new Evaluator(tree.path, options).run(tree, overrides)
}

class Evaluator implements SettingSink {
  readonly root: Frame
  readonly #options: EvaluateOptions
  readonly #blocks: [Block, ...Block[]]
  readonly #complaints: Complaint[] = []
  /** Where a path was first set inside a section: a global setting that comes later does not reach in there. */
  readonly #setInside = new Map<string, SourcePosition>()
  #counter = 0
  #seenObsolete = false

  constructor(path: string, options: EvaluateOptions) {
    this.#options = options
    const block = openBlock({}, { file: path, line: 0 })
    this.#blocks = [block]
    this.root = { ...rootPlace, block, outer: undefined, filter: {}, labels: [], counted: '' }
  }

  run(tree: ConfigTree, overrides: readonly string[]): Evaluated {
    this.#read(this.root, tree.nodes)
    for (const override of overrides) {
      const equals = override.indexOf('=')
      const [key, text] = equals < 0 ? [override, 'yes'] : [override.slice(0, equals), override.slice(equals + 1)]
      this.assign(this.root, key, { form: 'text', text }, { file: '-o', line: 0 })
    }
    return { path: tree.path, blocks: this.#blocks, complaints: this.#complaints }
  }

  complain(severity: Complaint['severity'], text: string, at: SourcePosition): void {
    this.#complaints.push({ severity, text, at })
  }

  isFirstObsolete(): boolean {
    const first = !this.#seenObsolete
    this.#seenObsolete = true
    return first
  }

  #read(frame: Frame, nodes: readonly ConfigNode[]): void {
    for (const node of nodes) this.#readNode(frame, node)
  }

  #readNode(frame: Frame, node: ConfigNode): void {
    switch (node.kind) {
      case 'complaint': {
        const strictly = this.#options.strict && node.strictError !== undefined
        this.#complaints.push(strictly ? { severity: 'error', text: node.strictError, at: node.at } : node.complaint)
        return
      }
      case 'assign':
        if (!modernise(this, frame, node)) this.assign(frame, node.key, node.value, node.at)
        return
      case 'section':
        if (!moderniseSection(this, frame, node)) this.openAndRead(frame, node, node.type, node.name, [])
        return
    }
  }

  openAndRead(frame: Frame, node: SectionNode, type: string, name: string, first: readonly ConfigNode[]): void {
    const inner = FILTER_TYPES.includes(type)
      ? this.#openFilter(frame, type, name, node.at)
      : this.#openSection(frame, type, name, node.at)
    if (inner === undefined) return
    this.#read(inner, first)
    this.#read(inner, node.body)
  }

  #openFilter(frame: Frame, type: string, name: string, at: SourcePosition): Frame | undefined {
    const filter = nestFilter(frame.filter, type, name, this.#options.files)
    if ('error' in filter) {
      this.complain('error', filter.error, at)
      return undefined
    }
    return { ...frame, outer: frame, filter, block: this.#blockFor(filter, at) }
  }

  #blockFor(filter: FilterSpec, at: SourcePosition): Block {
    const known = this.#blocks.find((block) => sameFilter(block.filter, filter))
    if (known !== undefined) return known
    const block = openBlock(filter, at)
    this.#blocks.push(block)
    return block
  }

  #openSection(frame: Frame, type: string, name: string, at: SourcePosition): Frame | undefined {
    const section = frame.schema?.sections.get(type)
    if (section === undefined || !isOpenIn(frame.block, frame.prefix)) {
      this.#refuseSection(frame, type, name, at)
      return undefined
    }
    const inner = { ...frame, outer: frame, labels: [...frame.labels, type] }
    const id = name === '' ? String(this.#counter++) : escapeName(name)
    const counted = `${frame.counted}${type}/${id}/`
    if (section.kind === 'dictionary') {
      frame.block.lists.set(`${frame.prefix}${type}`, [])
      return { ...inner, prefix: `${frame.prefix}${type}/`, schema: undefined, counted }
    }
    if (this.#refuseAuth(frame, type, at)) return undefined
    const path = `${frame.prefix}${type}`
    if (!section.merges && name !== '' && hasEntry(frame.block, path, id)) {
      this.complain('error', `${path}/${id} already exists`, at)
      return undefined
    }
    this.#addEntry(frame.block, path, { id, at }, section, name)
    return { ...inner, prefix: `${path}/${id}/`, schema: section.schema, counted }
  }

  #addEntry(
    block: Block,
    path: string,
    entry: { readonly id: string; readonly at: SourcePosition },
    section: SectionSchema & { kind: 'list' },
    name: string,
  ): void {
    const entries = block.lists.get(path) ?? []
    block.lists.set(path, entries)
    if (!entries.some(({ id }) => id === entry.id)) entries.push(entry)
    // A title of its own is printed as the section's name; a database's name is a setting like others.
    if (name !== '' || !section.merges) {
      block.values.set(`${path}/${entry.id}/${section.title}`, { text: name, value: name, at: entry.at })
    }
  }

  #refuseSection(frame: Frame, type: string, name: string, at: SourcePosition): void {
    const isOpen = isOpenIn(frame.block, frame.prefix)
    if (frame.schema === undefined && isOpen) return this.complain('error', 'Section not allowed here', at)
    const row = isOpen ? frame.schema?.rows.get(type) : undefined
    if (row === undefined) return this.#complainUnknown([...frame.labels, type, type], at)
    const read = row.read(name === '' ? String(this.#counter++) : name)
    this.complain('error', read.ok ? 'Section not allowed here' : read.error, at)
  }

  assign(frame: Frame, key: string, value: RawValue, at: SourcePosition): void {
    this.#warnAboutEarlierFilter(frame, key, at)
    const target = resolvePath(frame.block, frame, key)
    const { files, env, expand } = this.#options
    const blocks = blocksAround(frame)
    const expanded = expandValue(value, key, frame.counted + key, at.file, { files, env, expand, blocks })
    if (!expanded.ok) return this.complain('error', expanded.error, at)
    if (frame.counted + key === '') return this.complain('error', MISSING_KEY, at)
    if (target === undefined) return this.#complainUnknown([...frame.labels, key], at)
    this.#store(frame, key, target, expanded.text, at)
  }

  #store(frame: Frame, key: string, target: PathTarget, text: string, at: SourcePosition): void {
    const { block } = frame
    if (target.kind === 'list') {
      // `service = name` makes an entry without a title, `plugin = name` nothing at all.
      if (!target.dictionary) block.lists.set(target.path, [...(block.lists.get(target.path) ?? []), { id: text, at }])
      return
    }
    const read = target.kind === 'free' ? { ok: true as const, value: text, text } : target.row.read(text)
    if (!read.ok) return this.complain('error', read.error, at)
    if (this.#refuseAuth(frame, key, at)) return
    block.values.set(target.path, { text: read.text, value: read.value, at })
  }

  /** The auth service keeps one set of settings per protocol, so it cannot have some per address. */
  #refuseAuth(frame: Frame, key: string, at: SourcePosition): boolean {
    const { local, localName, remote } = frame.filter
    if (!isNarrow(local) && localName === undefined && !isNarrow(remote)) return false
    if (frame.prefix !== '' || !authServiceSettings.has(key)) return false
    this.complain('error', `Auth settings not supported inside local/remote blocks: ${key}`, at)
    return true
  }

  #warnAboutEarlierFilter(frame: Frame, key: string, at: SourcePosition): void {
    const path = frame.counted + key
    const first = this.#setInside.get(path)
    if (frame.outer !== undefined) {
      if (first === undefined) this.#setInside.set(path, at)
    } else if (first !== undefined) {
      const earlier = `${first.file} line ${first.line}`
      const text = `${at.file} line ${at.line}: Global setting ${key} won't change the setting inside an earlier filter at ${earlier} (if this is intentional, avoid this warning by moving the global setting before ${earlier})`
      this.complain('warning', text, at)
    }
  }

  #complainUnknown(words: readonly string[], at: SourcePosition): void {
    const text = `Unknown setting: ${words.join(' { ')}`
    this.complain(this.#options.strict ? 'error' : 'warning', text, at)
  }
}

/** The blocks that a setting sees, innermost first. */
function blocksAround(frame: Frame): readonly Block[] {
  const blocks: Block[] = []
  for (let around: Frame | undefined = frame; around !== undefined; around = around.outer) {
    if (blocks.at(-1) !== around.block) blocks.push(around.block)
  }
  return blocks
}
