/** How a lab names its identity providers, on every platform. */
import { z } from 'zod'

export const issuerList = z.array(
  z.strictObject({
    /** `local` is the prefix of the launcher's own password users. */
    name: z
      .string()
      .regex(/^[a-z0-9-]{1,32}$/, 'use a-z, 0-9 and -')
      .refine((name) => name !== 'local', '"local" is taken by the launcher’s own users'),
    issuer: z.string().min(1),
    audience: z.string().min(1),
    jwksUrl: z.url({ protocol: /^https?$/ }),
    groupsClaim: z.string().min(1).nullable().default(null),
  }),
)
