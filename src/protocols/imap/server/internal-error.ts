/** Dovecot's MAIL_ERRSTR_CRITICAL_MSG: what a client is told of a fault, and no more. */
export const INTERNAL_ERROR = 'Internal error occurred. Refer to server log for more information.'
