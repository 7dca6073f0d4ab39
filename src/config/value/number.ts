import { type Read, readable, unreadable } from './read.ts'

/** Dovecot's numbers of 32 bits end here; it is also what "no limit" is written as. */
export const UINT_MAX = 4_294_967_295

/** `yes`, `y` and `1` are true, only `no` is false; letters in any case. */
export function parseBoolean(text: string): Read<boolean> {
  const lower = text.toLowerCase()
  if (lower === 'yes' || lower === 'y' || lower === '1') return readable(true, 'yes')
  if (lower === 'no') return readable(false, 'no')
  return unreadable(`Invalid boolean value: ${text} (use yes or no)`)
}

/** A decimal number of 32 bits without any suffix. */
export function parseUint(text: string): Read<number> {
  if (!/^[0-9]+$/.test(text) || Number(text) > UINT_MAX)
    return unreadable(`Invalid number ${text}: ${whatIsWrong(text)}`)
  return readable(Number(text), String(Number(text)))
}

/** A mode: octal after a leading zero, decimal otherwise. Printed in octal with a leading zero. */
export function parseOctal(text: string): Read<number> {
  if (!text.startsWith('0')) {
    const decimal = parseUint(text)
    return decimal.ok ? readable(decimal.value, printOctal(decimal.value)) : decimal
  }
  if (!/^[0-7]+$/.test(text) || Number.parseInt(text, 8) > UINT_MAX) return unreadable(`Invalid number: ${text}`)
  const value = Number.parseInt(text, 8)
  return readable(value, printOctal(value))
}

/** A TCP port; 0 is allowed and usually means "off". */
export function parsePort(text: string): Read<number> {
  if (!/^[0-9]+$/.test(text) || Number(text) > 65_535) return unreadable(`Invalid port number ${text}`)
  return readable(Number(text), String(Number(text)))
}

/** Exactly one of the words. */
export function parseEnumeration<W extends string>(words: readonly W[], text: string): Read<W> {
  const word = words.find((candidate) => candidate === text)
  return word === undefined ? unreadable(`Invalid value: ${text}`) : readable(word, word)
}

/** The words of a text that are separated by any of the characters in `separators`; empty words vanish. */
export function splitList(text: string, separators: string): readonly string[] {
  const words: string[] = []
  let word = ''
  for (const character of text) {
    if (!separators.includes(character)) word += character
    else if (word !== '') {
      words.push(word)
      word = ''
    }
  }
  if (word !== '') words.push(word)
  return words
}

function printOctal(value: number): string {
  return `0${value.toString(8)}`
}

function whatIsWrong(text: string): string {
  const negative = text.startsWith('-')
  if (!/^[0-9]+$/.test(negative ? text.slice(1) : text)) return 'Not a valid number'
  return negative ? 'Number too small' : 'Number too large'
}
