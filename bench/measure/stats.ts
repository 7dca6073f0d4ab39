/** The middle value; the mean of the two middle ones of an even number. `undefined` of nothing. */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((left, right) => left - right)
  const high = sorted[Math.floor(sorted.length / 2)]
  const low = sorted[Math.ceil(sorted.length / 2) - 1]
  return high === undefined || low === undefined ? undefined : (low + high) / 2
}

/** How far the values lie apart: (largest − smallest) / median. `undefined` of fewer than two. */
export function spread(values: readonly number[]): number | undefined {
  const middle = median(values)
  if (values.length < 2 || middle === undefined || middle === 0) return undefined
  return (Math.max(...values) - Math.min(...values)) / middle
}

/** How many times better `value` is than `base`: above 1 is better, whichever way better points. */
export function advantage(
  value: number | undefined,
  base: number | undefined,
  better: 'more' | 'less',
): number | undefined {
  if (value === undefined || base === undefined) return undefined
  const [top, bottom] = better === 'more' ? [value, base] : [base, value]
  return top > 0 && bottom > 0 ? top / bottom : undefined
}

/** The number to so many significant digits, without an exponent. */
export function significant(value: number, digits: number): number {
  return Number(value.toPrecision(digits))
}
