import { openFlow } from './flow.ts'
import { openJson } from './json.ts'
import { openPager } from './pager.ts'
import type { OpenPrinter } from './printer.ts'
import { openTab } from './tab.ts'
import { openTable } from './table.ts'

/** The formats of `doveadm -f`. */
export const formats: ReadonlyMap<string, OpenPrinter> = new Map([
  ['flow', openFlow],
  ['json', openJson],
  ['pager', openPager],
  ['tab', openTab],
  ['table', openTable],
])
