import { FieldLexer, isAtext, type Outcome } from './lexer.ts'
import { MESSAGE_LIMITS } from './limits.ts'

/**
 * An address of a field. One without domain begins a group whose name is `mailbox`, one with nothing at all ends it, as in
 * ENVELOPE (RFC 3501 section 7.4.2).
 */
export interface Address {
  readonly name: string | undefined
  readonly route: string | undefined
  readonly mailbox: string | undefined
  readonly domain: string | undefined
}

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const SEMICOLON = 0x3b
const LESS = 0x3c
const GREATER = 0x3e
const AT = 0x40

/**
 * Addresses of a field value, one byte a character: RFC 5322 sections 3.4 and 4.4, and whatever else Dovecot makes sense of.
 * What is missing is called MISSING_MAILBOX and MISSING_DOMAIN, what cannot be read SYNTAX_ERROR and INVALID_ROUTE.
 */
export function parseAddresses(value: string): Address[] {
  return new AddressParser(value).list()
}

class AddressParser {
  readonly #lexer: FieldLexer
  readonly #addresses: Address[] = []
  #name: string | undefined
  #route: string | undefined
  #mailbox: string | undefined
  #domain: string | undefined
  /** The local part read last, also of what turned out to be none. */
  #local = ''

  constructor(value: string) {
    this.#lexer = new FieldLexer(value)
  }

  list(): Address[] {
    const lexer = this.#lexer
    if (lexer.skip() !== 'more') return this.#addresses
    while (this.#addresses.length < MESSAGE_LIMITS.addresses) {
      if (this.#address() === 'end' || lexer.code() !== COMMA) break
      lexer.pos++
      const after = lexer.skip()
      if (after === 'broken') this.#addFilled()
      if (after !== 'more') break
    }
    return this.#addresses
  }

  #address(): Outcome {
    const from = this.#lexer.pos
    const group = this.#group()
    if (group !== undefined) return group
    this.#lexer.pos = from
    return this.#mailboxOrNameAddress()
  }

  /** group = phrase ":" [mailbox-list] ";". `undefined` when this is none. */
  #group(): Outcome | undefined {
    const lexer = this.#lexer
    lexer.text = ''
    if (lexer.phrase() !== 'more' || lexer.code() !== COLON) return undefined
    this.#mailbox = lexer.take()
    lexer.pos++
    let after = lexer.skip()
    this.#add()
    if (after === 'more' && lexer.code() !== SEMICOLON) after = this.#groupMembers()
    if (after !== 'broken') {
      if (lexer.code() === SEMICOLON) {
        lexer.pos++
        after = lexer.skip()
      } else after = 'broken'
    }
    this.#add()
    return after === 'end' ? 'end' : 'more'
  }

  /** Members of a group; one that is broken does not end it. */
  #groupMembers(): Outcome {
    const lexer = this.#lexer
    for (;;) {
      this.#mailboxOrNameAddress()
      if (lexer.code() !== COMMA) return 'more'
      lexer.pos++
      if (lexer.skip() !== 'more') return 'broken'
    }
  }

  #mailboxOrNameAddress(): Outcome {
    const from = this.#lexer.pos
    let after = this.#nameAddress()
    if (after === undefined) {
      this.#lexer.pos = from
      after = this.#addressSpec()
    }
    this.#addFilled()
    return after
  }

  /** name-addr = [phrase] "<" ... ">". `undefined` when this is none. */
  #nameAddress(): Outcome | undefined {
    const lexer = this.#lexer
    lexer.text = ''
    if (lexer.phrase() !== 'more' || lexer.code() !== LESS) return undefined
    const name = lexer.take()
    this.#name = name === '' ? undefined : name
    if (!this.#angleAddress()) this.#domain = 'SYNTAX_ERROR'
    return lexer.ended ? 'end' : 'more'
  }

  /** `<...>`, the cursor on its beginning. False when it is broken or does not end. */
  #angleAddress(): boolean {
    const lexer = this.#lexer
    lexer.pos++
    if (lexer.skip() !== 'more') return false
    if (lexer.code() === AT) {
      if (this.#routeList() === 'more' && lexer.code() === COLON) lexer.pos++
      else this.#route = 'INVALID_ROUTE'
      if (lexer.skip() !== 'more') return false
    }
    if (lexer.code() !== GREATER) {
      if (this.#localPart() !== 'more') return false
      if (lexer.code() === AT && this.#readDomain() !== 'more') return false
    }
    if (lexer.code() !== GREATER) return false
    lexer.pos++
    return lexer.skip() !== 'broken'
  }

  /** obs-domain-list = "@" domain *("," "@" domain). */
  #routeList(): Outcome {
    const lexer = this.#lexer
    lexer.text = ''
    for (;;) {
      if (lexer.ended) return 'end'
      if (lexer.code() !== AT) break
      lexer.text += lexer.text === '' ? '@' : ',@'
      const after = lexer.domain()
      if (after !== 'more') return after
      while (lexer.skip() === 'more' && lexer.code() === COMMA) lexer.pos++
    }
    this.#route = lexer.take()
    return 'more'
  }

  /** addr-spec; a comment behind it is the name. Words without an `@`, and a quoted string alone, are a name too. */
  #addressSpec(): Outcome {
    const lexer = this.#lexer
    const quoted = lexer.code() === QUOTE
    lexer.comment = ''
    const after = this.#localPart()
    const withDomain = after !== 'end' && lexer.code() === AT
    const domain = withDomain ? this.#readDomain() : 'more'
    if (lexer.comment !== '') this.#name = lexer.comment
    else if (!withDomain) {
      this.#readWords(quoted && after !== 'broken')
      return 'broken'
    }
    return domain === 'more' ? after : domain
  }

  /** What follows a local part without domain. */
  #readWords(quoted: boolean): void {
    const lexer = this.#lexer
    const first = this.#local
    lexer.text = ''
    lexer.phrase()
    const more = lexer.take()
    if (more !== '') this.#name = `${first} ${more}`
    else if (quoted) this.#name = first
    else return
    this.#mailbox = undefined
  }

  #localPart(): Outcome {
    const lexer = this.#lexer
    lexer.text = ''
    const after = lexer.code() === QUOTE ? lexer.quotedString() : lexer.localPart()
    this.#local = lexer.take()
    if (after !== 'broken') this.#mailbox = this.#local
    return after
  }

  #readDomain(): Outcome {
    const lexer = this.#lexer
    lexer.text = ''
    const after = lexer.domain()
    if (after !== 'broken') this.#domain = lexer.take()
    return after
  }

  #addFilled(): void {
    this.#mailbox ??= 'MISSING_MAILBOX'
    this.#domain ??= 'MISSING_DOMAIN'
    this.#add()
  }

  #add(): void {
    this.#addresses.push({ name: this.#name, route: this.#route, mailbox: this.#mailbox, domain: this.#domain })
    this.#name = this.#route = this.#mailbox = this.#domain = undefined
  }
}

/** Addresses as one text, the form in which SEARCH FROM and the like look at them: `"Joe User" <joe@example.org>`. */
export function formatAddresses(addresses: readonly Address[]): string {
  let text = ''
  let first = true
  let inGroup = false
  for (const address of addresses) {
    const { mailbox, domain } = address
    if (domain !== undefined) text += `${first ? '' : ', '}${formatAddress(address)}`
    else if (inGroup) text = `${first ? text.slice(0, -1) : text};`
    else text += `${first ? '' : ', '}${phrase(mailbox ?? '')}: `
    first = domain === undefined && !inGroup
    if (domain === undefined) inGroup = !inGroup
  }
  return text
}

function formatAddress({ name, route, mailbox, domain }: Address): string {
  const shown = name === undefined || name === '' ? '' : `${phrase(name)} `
  return `${shown}<${route === undefined ? '' : `${route}:`}${quoted(mailbox ?? '', '.')}@${domain ?? ''}>`
}

/** A name; encoded words may not be quoted (RFC 2047 section 5). */
function phrase(name: string): string {
  return name.includes('=?') ? name : quoted(name, '')
}

/** Quoted unless all of it are atom characters and `extra`. */
function quoted(text: string, extra: string): string {
  for (const char of text) {
    if (!isAtext(char.charCodeAt(0)) && char !== extra) return `"${text.replace(/["\\]/g, '\\$&')}"`
  }
  return text === '' ? '""' : text
}
