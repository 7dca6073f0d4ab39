import { type Feature, FEATURES, PROTOCOLS, type ProtocolName } from './features.ts'
import type { TaggedTest } from './test-tags.ts'

/** The checklist page: which tests prove which row, for which protocol. */
export function printChecklist(tests: readonly TaggedTest[]): string {
  const rows = FEATURES.map((feature) => ({ feature, proofs: proofsOf(feature, tests) }))
  return `# Checklist of proxying

Generated from the tags of the tests (\`npm run docs\`). Each row is something that Dovecot 2.3 does for a proxied user. A
number says how many tests or transcripts name the row for that protocol, \`–\` that the row does not concern it.

| # | what | fields and settings | ${PROTOCOLS.join(' | ')} | elsewhere |
| --- | --- | --- | ${PROTOCOLS.map(() => '---').join(' | ')} | --- |
${rows.map(({ feature, proofs }) => tableRow(feature, proofs)).join('\n')}

## The tests

${rows.map(({ feature, proofs }) => section(feature, proofs)).join('\n')}`
}

/** Rows, with the protocol where there is one, that no test names. */
export function missingProofs(tests: readonly TaggedTest[]): readonly string[] {
  return FEATURES.filter(({ later }) => later === undefined).flatMap((feature) => {
    const proofs = proofsOf(feature, tests)
    if (feature.protocols.length === 0) return proofs.length === 0 ? [`row ${feature.row}`] : []
    const without = feature.protocols.filter((protocol) => !proofs.some((test) => test.protocols.includes(protocol)))
    return without.map((protocol) => `row ${feature.row}: ${protocol}`)
  })
}

function proofsOf({ row }: Feature, tests: readonly TaggedTest[]): readonly TaggedTest[] {
  return tests.filter(({ rows }) => rows.includes(row))
}

function tableRow(feature: Feature, proofs: readonly TaggedTest[]): string {
  const { row, what, settings, later } = feature
  const cells = PROTOCOLS.map((protocol) => cellFor(feature, protocol, proofs))
  const elsewhere = proofs.filter(({ protocols }) => protocols.length === 0).length
  const needed = feature.protocols.length === 0
  const rest = elsewhere > 0 ? String(elsewhere) : needed ? missing(later) : '–'
  return `| ${row} | ${what} | ${settings} | ${cells.join(' | ')} | ${rest} |`
}

function cellFor(feature: Feature, protocol: ProtocolName, proofs: readonly TaggedTest[]): string {
  const count = proofs.filter(({ protocols }) => protocols.includes(protocol)).length
  if (count > 0) return String(count)
  return feature.protocols.includes(protocol) ? missing(feature.later) : '–'
}

function missing(later: string | undefined): string {
  return later === undefined ? '**missing**' : `**missing** (${later})`
}

function section({ row, what, later }: Feature, proofs: readonly TaggedTest[]): string {
  const byFile = Map.groupBy(proofs, ({ file }) => file)
  const lines = [...byFile].map(([file, tests]) => `- \`${file}\`: ${[...new Set(tests.map(tell))].join('; ')}`)
  const list = lines.length === 0 ? [`- ${missing(later)}`] : lines
  return `### ${row}. ${what}\n\n${list.join('\n')}\n`
}

function tell({ name }: TaggedTest): string {
  return name.replaceAll('|', '\\|').replaceAll(/[<>*_]/g, '\\$&')
}
