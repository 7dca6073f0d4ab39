import type { Frame, FrameLocator, Page } from 'playwright-core'
import { commandOf } from '../mail-clients/webmail.ts'

/** Settings → Folders in Roundcube, with the acl plugin's sharing in it. */
export class FolderSettings {
  readonly #page: Page
  readonly #url: string

  private constructor(page: Page, url: string) {
    this.#page = page
    this.#url = url
  }

  static async open(page: Page, port: number): Promise<FolderSettings> {
    const settings = new FolderSettings(page, `http://127.0.0.1:${port}/?_task=settings&_action=folders`)
    await settings.reload()
    return settings
  }

  /** As after a login. */
  async reload(): Promise<void> {
    await this.#page.goto(this.#url)
    await this.#page.locator('#subscription-table li.mailbox > a').first().waitFor()
  }

  /** Names of all folders that are listed, subscribed or not. */
  async folders(): Promise<readonly string[]> {
    const boxes = this.#page.locator('#subscription-table input[name="_subscribed[]"]')
    return await boxes.evaluateAll((inputs: readonly { value: string }[]) => inputs.map(({ value }) => value))
  }

  async subscribe(folder: string): Promise<void> {
    const answered = this.#page.waitForResponse((response) => response.url().includes('_action=subscribe'))
    await this.#page.evaluate(`rcmail.subscribe('${folder}')`)
    await answered
  }

  /** Opens the table of those a folder is shared with. */
  async openSharing(folder: string): Promise<void> {
    await this.#page.locator('#subscription-table li.mailbox > a', { hasText: new RegExp(`^${folder}$`) }).click()
    await this.#frame.locator('#acltable').waitFor()
    // Before that its buttons do nothing.
    await this.#inside.waitForFunction(`window.rcmail?.commands['acl-create'] === true`)
  }

  /** The names in the table; the owner is not among them. */
  async sharers(): Promise<readonly string[]> {
    const names = await this.#frame.locator('#acltable tbody td.user').allInnerTexts()
    return names.map((name) => name.trim()).toSorted()
  }

  /** Gives a user the rights that the form proposes: to read. */
  async share(user: string): Promise<void> {
    await this.#frame.locator('#acllist-footer a.create').click()
    await this.#anywhere('#acluser').fill(user)
    await this.#anywhere('.ui-dialog-buttonset button.mainaction').click()
    await this.#row(user).waitFor()
  }

  async unshare(user: string): Promise<void> {
    await this.#row(user).click()
    await commandOf(this.#inside, 'acl-delete')
    await this.#anywhere('.ui-dialog-buttonset button.delete').click()
    await this.#row(user).waitFor({ state: 'detached' })
  }

  get #frame(): FrameLocator {
    return this.#page.frameLocator('#preferences-frame')
  }

  /** The same, for its scripts. */
  get #inside(): Frame {
    const frame = this.#page.frame('preferences-frame')
    if (frame === null) throw new Error('there is no such frame')
    return frame
  }

  #row(user: string): ReturnType<FrameLocator['locator']> {
    return this.#frame.locator(`#acltable tbody tr[data-userid="${user}"]`)
  }

  /** Dialogs of the frame are shown by the page around it. */
  #anywhere(selector: string): ReturnType<Page['locator']> {
    return this.#page.locator(selector)
  }
}
