/** The answer to a login that let the user in. RFC 1939 §5. */
export const LOGGED_IN = '+OK Logged in.\r\n'
