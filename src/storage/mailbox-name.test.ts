import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { checkNewName, storageName, type NameRules } from './mailbox-name.ts'
import { StoreRefusal } from './refusal.ts'

const NONE: ReadonlySet<string> = new Set()
const PARTS: ReadonlySet<string> = new Set(['cur', 'new', 'tmp'])
/** Separators of the namespace and of the layout. */
const slashDot: NameRules = { separator: '/', layoutSeparator: '.', reserved: NONE }
const dotDot: NameRules = { separator: '.', layoutSeparator: '.', reserved: NONE }
const slashSlash: NameRules = { separator: '/', layoutSeparator: '/', reserved: PARTS }
const dotSlash: NameRules = { separator: '.', layoutSeparator: '/', reserved: PARTS }

const invalid = (why: string): string => `Invalid mailbox name: ${why}`
const notAllowed = (character: string): string => `Character not allowed in mailbox name: '${character}'`

test('names that cannot be are refused with the words of Dovecot', () => {
  const begins = invalid('Begins with hierarchy separator')
  const ends = invalid('Ends with hierarchy separator')
  const adjacent = invalid('Has adjacent hierarchy separators')
  const slash = invalid("Name must not have '/' characters")
  const tilde = invalid("Begins with '~'")
  const reserved = invalid('Contains reserved name')
  const long = 'Mailbox name too long'
  const rows: readonly (readonly [rules: NameRules, name: string, text: string])[] = [
    [slashDot, '', invalid('Name is empty')],
    [slashDot, '/a', begins],
    [slashDot, '/', begins],
    [slashDot, 'a/', ends],
    [slashDot, 'a//b', adjacent],
    [slashDot, 'a.b', notAllowed('.')],
    [slashDot, '..', notAllowed('.')],
    [slashDot, 'a/../b', notAllowed('.')],
    [slashDot, '~', tilde],
    [slashDot, '~/x', tilde],
    [slashDot, '~joe', tilde],
    [slashDot, '/etc/passwd', begins],
    [slashDot, 'x'.repeat(256), long],
    [slashDot, 'é'.repeat(128), long],
    [slashDot, `${'x/'.repeat(2048)}x`, long],
    [slashDot, 'a\0b', 'Mailbox name is not valid UTF-8'],
    [slashDot, '\ud800', 'Mailbox name is not valid UTF-8'],
    [dotDot, '/a', slash],
    [dotDot, 'a//b', slash],
    [dotDot, '..', begins],
    [dotDot, '~/x', slash],
    [dotDot, '~', tilde],
    [dotDot, 'a/../b', adjacent],
    [dotDot, 'a/./b', slash],
    [slashSlash, '..', invalid("Contains '..' part")],
    [slashSlash, '.', invalid("Contains '.' part")],
    [slashSlash, 'a/../b', invalid("Contains '..' part")],
    [slashSlash, '../../etc', invalid("Contains '..' part")],
    [slashSlash, 'cur', reserved],
    [slashSlash, 'a/new/b', reserved],
    [dotSlash, 'a/..', notAllowed('/')],
    [dotSlash, '/', notAllowed('/')],
    [dotSlash, '..', begins],
  ]
  for (const [rules, name, text] of rows) {
    assert.throws(() => storageName(name, rules), new StoreRefusal('invalid-name', text), name)
  }
})

test('other names are kept, their levels joined with slashes', () => {
  const rows: readonly (readonly [rules: NameRules, name: string, storage: string])[] = [
    [slashDot, 'Work/2026', 'Work/2026'],
    [slashDot, 'x'.repeat(255), 'x'.repeat(255)],
    [slashDot, '%a*', '%a*'],
    [slashDot, 'a ', 'a '],
    [slashDot, 'a/~b', 'a/~b'],
    [slashDot, 'cur', 'cur'],
    [dotDot, 'Work.2026', 'Work/2026'],
    [slashSlash, '.a/a.b', '.a/a.b'],
    [slashSlash, 'a\\b', 'a\\b'],
  ]
  for (const [rules, name, storage] of rows) assert.equal(storageName(name, rules), storage)
})

test('new names have no controls', () => {
  for (const name of ['a\nb', '\x01', 'a\x1f']) {
    assert.throws(
      () => checkNewName(name),
      new StoreRefusal('invalid-name', 'Control characters not allowed in new mailbox names'),
    )
  }
  for (const name of ['a\x7fb', 'a\u0085', '\u2028']) checkNewName(name)
})

test('no name leads out of its root', () => {
  const unit = fc.constantFrom('.', '..', '/', '~', '\\', 'a', '\0', 'cur', '\u2024', '\uff0f', '/../', '%2e')
  const rules = fc.constantFrom(slashDot, dotDot, slashSlash, dotSlash)
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 8 }), rules, (parts, how) => {
      const name = parts.join('')
      try {
        const levels = storageName(name, how).split('/')
        for (const level of levels) assert.ok(level !== '' && level !== '.' && level !== '..' && !level.includes('\0'))
        if (how.layoutSeparator === '.') assert.ok(levels.every((level) => !level.includes('.')))
      } catch (error) {
        assert.ok(error instanceof StoreRefusal)
      }
    }),
  )
})
