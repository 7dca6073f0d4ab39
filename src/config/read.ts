import { checkWhole } from './checks/checks.ts'
import type { Complaint } from './complaint.ts'
import type { ConfigFiles, ConfigInput } from './config.ts'
import { openBlock } from './evaluate/block.ts'
import { evaluate, type Evaluated } from './evaluate/evaluate.ts'
import { assumeDrivers } from './evaluate/assume-drivers.ts'
import { describeFileError, readText } from './syntax/include.ts'
import { parseConfig } from './syntax/parser.ts'
import type { ConfigTree } from './syntax/tree.ts'

/** A configuration as it was read, still in blocks, with all there is to complain about it. */
export interface ReadConfig extends Evaluated {
  /** Errors and warnings of reading, in order. With an error among them nothing else was checked. */
  readonly complaints: readonly Complaint[]
  /** Errors and warnings about the whole. */
  readonly findings: readonly Complaint[]
}

/** Reads a configuration file. With `expand`, `$names` and `<files` are replaced as for a running server. */
export function readConfig(input: ConfigInput, expand: boolean): ReadConfig {
  const { path, files, overrides = [], env = new Map() } = input
  let text: string
  try {
    text = readText(files, path)
  } catch (error) {
    return unreadable(path, error)
  }
  const tree = parseConfig(path, text, files)
  const strict = isStrict(tree, overrides)
  const evaluated = evaluate(tree, overrides, { files, env, expand, strict })
  const assumed = strict ? [] : assumeDrivers(evaluated.blocks)
  const complaints = [...evaluated.complaints, ...assumed]
  return { ...evaluated, complaints, findings: findingsOf(tree, evaluated, files) }
}

/** A configuration that could not be read to its end is not looked at any further. */
function findingsOf(tree: ConfigTree, evaluated: Evaluated, files: ConfigFiles): readonly Complaint[] {
  if (evaluated.complaints.some(({ severity }) => severity === 'error')) return []
  const at = tree.unclosed
  if (at === undefined) return checkWhole(evaluated, files)
  return [{ severity: 'error', text: `Missing '}' (section started at ${at.file}:${at.line})`, at }]
}

/** What holds without any configuration, under the name of one. */
export function readDefaults(path: string): ReadConfig {
  return { path, blocks: [openBlock({}, { file: path, line: 0 })], complaints: [], findings: [] }
}

/** How tolerant to be is itself a setting, wanted before the reading begins: the last one at the top level counts. */
function isStrict(tree: ConfigTree, overrides: readonly string[]): boolean {
  const key = 'postern_strict'
  const written = tree.nodes.findLast((node) => node.kind === 'assign' && node.key === key)
  const text = written?.kind === 'assign' ? written.value.text : 'no'
  const override = overrides.findLast((item) => item === key || item.startsWith(`${key}=`))
  const value = override === undefined ? text : override.slice(key.length + 1) || 'yes'
  return /^(y|yes|1)$/i.test(value)
}

function unreadable(path: string, error: unknown): ReadConfig {
  const text = `open(${path}) failed: ${describeFileError(error)}`
  return { ...readDefaults(path), complaints: [{ severity: 'error', text }] }
}
