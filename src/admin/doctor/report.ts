import type { Finding } from './finding.ts'

/** Findings about one part of the server. */
export interface FindingGroup {
  readonly area: string
  readonly findings: readonly Finding[]
}

/** Exit statuses of `postern doctor`. */
export const DOCTOR_EXIT = {
  /** Nothing but notes. */
  sound: 0,
  warnings: 1,
  /** Dovecot's status for a configuration it cannot use. */
  errors: 89,
} as const

export function doctorStatus(groups: readonly FindingGroup[]): number {
  if (count(groups, 'error') > 0) return DOCTOR_EXIT.errors
  return count(groups, 'warning') > 0 ? DOCTOR_EXIT.warnings : DOCTOR_EXIT.sound
}

/** One finding a line, `ERROR FILE:LINE TEXT`, under the name of its part. */
export function printReport(path: string, groups: readonly FindingGroup[]): string {
  const filled = groups.filter(({ findings }) => findings.length > 0)
  const blocks = filled.map(({ area, findings }) => `${area}:\n${worstFirst(findings).map(line).join('')}\n`)
  return `${blocks.join('')}${path}: ${summary(groups)}\n`
}

/** The same as data: an array of findings. */
export function reportJson(groups: readonly FindingGroup[]): string {
  const flat = groups.flatMap(({ area, findings }) =>
    findings.map(({ severity, text, at }) => ({ area, severity, text, ...(at && { file: at.file, line: at.line }) })),
  )
  return `${JSON.stringify(flat, null, 2)}\n`
}

const ORDER = ['error', 'warning', 'info'] as const

function worstFirst(findings: readonly Finding[]): readonly Finding[] {
  return ORDER.flatMap((severity) => findings.filter((finding) => finding.severity === severity))
}

function line({ severity, text, at }: Finding): string {
  // Line 0 is no line: a setting of `-o`.
  const place = at === undefined ? '' : at.line === 0 ? `${at.file} ` : `${at.file}:${at.line} `
  return `${severity.toUpperCase()} ${place}${text.replaceAll('\n', ' ')}\n`
}

function summary(groups: readonly FindingGroup[]): string {
  const errors = count(groups, 'error')
  const warnings = count(groups, 'warning')
  if (errors + warnings === 0) return 'no problems found'
  return `${errors} ${errors === 1 ? 'error' : 'errors'}, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`
}

function count(groups: readonly FindingGroup[], severity: Finding['severity']): number {
  return groups.flatMap(({ findings }) => findings).filter((finding) => finding.severity === severity).length
}
