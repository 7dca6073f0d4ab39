import type { OpenIndex } from './index-file.ts'

type Bound = string | number

/** The first row; empty when there is none. */
export function row(index: OpenIndex, sql: string, ...values: Bound[]): readonly unknown[] {
  // Rows are arrays: IndexFile sees to it.
  return (index.statement(sql).get(...values) as unknown as readonly unknown[] | undefined) ?? []
}

/** All rows, as arrays of their columns. */
export function rows(index: OpenIndex, sql: string, ...values: Bound[]): readonly (readonly unknown[])[] {
  return index.statement(sql).all(...values) as unknown as readonly (readonly unknown[])[]
}

/** A column that holds a number. Throws when the file says otherwise. */
export function number(value: unknown): number {
  if (typeof value !== 'number') throw new TypeError(`the index holds ${typeof value} where a number belongs`)
  return value
}
