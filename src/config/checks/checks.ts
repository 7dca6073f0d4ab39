// What is looked at when a configuration has been read: rules between settings, and values that only the whole can judge.
import type { Complaint } from '../complaint.ts'
import type { ConfigFiles } from '../files.ts'
import type { Evaluated } from '../evaluate/evaluate.ts'
import { queryOfSpec } from '../filter.ts'
import { matchingBlocks, type Merged, mergeBlocks, printPosition } from '../merge.ts'
import { namespacesOf, passdbsOf, positionAt, servicesOf, settingsOf, userdbsOf } from '../typed.ts'
import { checkAuth, checkDatabases } from './auth.ts'
import type { Finding } from './finding.ts'
import { checkMail } from './mail.ts'
import { checkNamespaces } from './namespaces.ts'
import { checkGeneral } from './general.ts'
import { checkServices, warnAboutSockets } from './services.ts'
import { checkStatistics } from './statistics.ts'
import { checkWords } from './words.ts'

/** Checks what holds for the global block and for each filter block. Complaints have Dovecot's texts, each text once. */
export function checkWhole(evaluated: Evaluated, files: ConfigFiles): readonly Complaint[] {
  const complaints = new Map<string, Complaint>()
  const add = (complaint: Complaint) => {
    if (!complaints.has(complaint.text)) complaints.set(complaint.text, complaint)
  }
  for (const block of evaluated.blocks) {
    const merged = mergeBlocks(matchingBlocks(evaluated.blocks, queryOfSpec(block.filter)))
    for (const { key, block: lost } of merged.conflicts) {
      const text = `Conflict in setting ${key} found from filter at ${printPosition(lost.at)}`
      add({ severity: 'error', text, at: lost.at })
    }
    for (const complaint of checkMerged(merged, files)) add(complaint)
  }
  for (const complaint of warnAboutSsl(evaluated)) add(complaint)
  return [...complaints.values()]
}

function checkMerged(merged: Merged, files: ConfigFiles): readonly Complaint[] {
  const settings = settingsOf(merged)
  const services = servicesOf(merged)
  const findings = [
    ...checkDatabases(passdbsOf(merged), userdbsOf(merged)),
    ...checkAuth(settings),
    ...checkGeneral(settings, files),
    ...checkServices(settings, services),
    ...checkWords(settings),
    ...checkMail(settings),
    ...checkNamespaces(namespacesOf(merged)),
    ...checkStatistics(merged),
  ]
  return [
    ...findings.map((finding) => complaintOf(finding, 'error', merged)),
    ...warnAboutSockets(settings, services).map((finding) => complaintOf(finding, 'warning', merged)),
  ]
}

/** A global `ssl = no` switches TLS off everywhere. */
function warnAboutSsl(evaluated: Evaluated): readonly Complaint[] {
  const [global, ...others] = evaluated.blocks
  if (global.values.get('ssl')?.text !== 'no') return []
  const found = others
    .map((block) => block.values.get('ssl'))
    .find((value) => value !== undefined && value.text !== 'no')
  if (found === undefined) return []
  const text = `SSL is disabled because global ssl=no, ignoring ssl=${found.text} for subsection`
  return [{ severity: 'warning', text, at: found.at }]
}

function complaintOf(finding: Finding, severity: Complaint['severity'], merged: Merged): Complaint {
  const at = finding.at ?? (finding.path === undefined ? undefined : positionAt(merged, finding.path))
  return at === undefined ? { severity, text: finding.text } : { severity, text: finding.text, at }
}
