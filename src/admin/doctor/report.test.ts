import assert from 'node:assert/strict'
import { test } from 'node:test'
import { doctorStatus, type FindingGroup, printReport, reportJson } from './report.ts'

const at = { file: '/etc/dovecot.conf', line: 3 }
const groups: readonly FindingGroup[] = [
  {
    area: 'configuration',
    findings: [
      { severity: 'info', text: 'by the way' },
      { severity: 'warning', text: 'two\nlines', at },
      { severity: 'error', text: 'wrong', at: { file: '-o', line: 0 } },
    ],
  },
  { area: 'files', findings: [] },
  { area: 'listeners', findings: [{ severity: 'error', text: 'taken', at }] },
]

test('findings are grouped, the worst first, one a line', () => {
  assert.equal(
    printReport('/etc/dovecot.conf', groups),
    `configuration:
ERROR -o wrong
WARNING /etc/dovecot.conf:3 two lines
INFO by the way

listeners:
ERROR /etc/dovecot.conf:3 taken

/etc/dovecot.conf: 2 errors, 1 warning
`,
  )
  assert.equal(printReport('x', []), 'x: no problems found\n')
})

test('the status is that of the worst finding', () => {
  assert.equal(doctorStatus(groups), 89)
  const [first] = groups
  const without = (severities: readonly string[]): FindingGroup => ({
    area: 'a',
    findings: (first?.findings ?? []).filter(({ severity }) => severities.includes(severity)),
  })
  assert.equal(doctorStatus([without(['info', 'warning'])]), 1)
  assert.equal(doctorStatus([without(['info'])]), 0)
  assert.equal(doctorStatus([]), 0)
})

test('the same as data', () => {
  assert.deepEqual(JSON.parse(reportJson(groups.slice(2))), [
    { area: 'listeners', severity: 'error', text: 'taken', file: '/etc/dovecot.conf', line: 3 },
  ])
})
