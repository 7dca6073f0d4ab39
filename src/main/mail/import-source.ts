import { MailLocationError, parseMailLocation, type LocationPlace } from '../../storage/user/mail-location.ts'
import { layoutSeparator, type NamespaceSpec } from '../../storage/namespace.ts'
import { StoreRefusal } from '../../storage/refusal.ts'

/** Names of mailboxes of an import, among the user's own: nobody can call a mailbox so. */
const PREFIX = '(import)\u0001'

/** Mail that lies elsewhere, for one task: a namespace of its own, so that messages are copied as between any two. */
export function importNamespace(written: string, place: LocationPlace): NamespaceSpec {
  try {
    const location = parseMailLocation(written, place)
    if (!place.isDirectory(location.path)) throw failed(`${location.path} is no directory`)
    const separator = layoutSeparator(location)
    return {
      name: 'import',
      type: 'private',
      prefix: PREFIX + separator,
      separator,
      inbox: true,
      hidden: true,
      list: 'no',
      subscriptions: false,
      location,
      aliasFor: undefined,
      order: 0,
      mailboxes: [],
    }
  } catch (error) {
    if (!(error instanceof MailLocationError)) throw error
    throw failed(`Initializing mail storage from mail_location parameter failed: ${error.message}`)
  }
}

function failed(why: string): StoreRefusal {
  return new StoreRefusal('temporary', `Import namespace initialization failed: ${why}`)
}
