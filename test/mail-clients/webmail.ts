import { chromium, type Frame, type Page } from 'playwright-core'
import { PASSWORD } from '../peers/local-mail.ts'
import { PATIENCE_MS } from '../support/deadline.ts'

/** A person at Roundcube in a browser of its own. */
export class Webmail {
  readonly #page: Page
  readonly #leave: () => Promise<void>

  private constructor(page: Page, leave: () => Promise<void>) {
    this.#page = page
    this.#leave = leave
  }

  /** Logs in and waits for the list of messages. */
  static async login(port: number, user: string): Promise<Webmail> {
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
    const webmail = new Webmail(await browser.newPage(), () => browser.close())
    try {
      await webmail.#enter(port, user)
      return webmail
    } catch (error) {
      await webmail.close()
      throw error
    }
  }

  async #enter(port: number, user: string): Promise<void> {
    const page = this.#page
    page.setDefaultTimeout(PATIENCE_MS)
    await page.goto(`http://127.0.0.1:${port}/`)
    await page.fill('#rcmloginuser', user)
    await page.fill('#rcmloginpwd', PASSWORD)
    await page.click('#rcmloginsubmit')
    await page.waitForSelector('#messagelist tr.message')
  }

  /** For what is asked of nobody else. */
  get page(): Page {
    return this.#page
  }

  /** How many messages and which subjects the list shows. */
  async subjects(): Promise<string[]> {
    const texts = await this.#page.locator('#messagelist tr.message td.subject span.subject').allInnerTexts()
    return texts.map((text) => text.trim())
  }

  async mailboxes(): Promise<string[]> {
    const names = await this.#page.locator('#mailboxlist li > a').allInnerTexts()
    return names.map((name) => name.split('\n')[0]?.trim() ?? '')
  }

  /** Opens another mailbox and waits for its messages. */
  async openMailbox(port: number, name: string): Promise<void> {
    await this.#page.goto(`http://127.0.0.1:${port}/?_task=mail&_mbox=${encodeURIComponent(name)}`)
    await this.#page.waitForSelector('#messagelist tr.message')
  }

  /** Opens a message in the window beside the list and returns what it shows. */
  async read(subject: string): Promise<string> {
    await this.select(subject)
    const body = this.#page.frameLocator('#messagecontframe').locator('#messagebody')
    await body.waitFor()
    // The rest of it may still be on its way.
    await this.#page.waitForFunction(
      `document.querySelector('#messagecontframe').contentDocument?.readyState === 'complete'`,
    )
    return await body.innerText()
  }

  async select(subject: string): Promise<void> {
    const exactly = new RegExp(`^\\s*${subject}\\s*$`)
    await this.#page.locator('#messagelist tr.message span.subject a', { hasText: exactly }).first().click()
  }

  /** What a button or a menu of Roundcube does with the selected message: not before it would let a person do it. */
  async command(name: 'mark' | 'move' | 'delete', argument: string): Promise<void> {
    await commandOf(this.#page, name, argument)
  }

  close(): Promise<void> {
    return this.#leave()
  }
}

/** A command of Roundcube in a page or a frame of it, which it would ignore while it is busy or has nothing to do it with. */
export async function commandOf(place: Page | Frame, name: string, argument = ''): Promise<void> {
  const isDone = `!rcmail.busy && rcmail.commands['${name}'] && rcmail.command('${name}', '${argument}') !== false`
  await place.waitForFunction(isDone)
}
