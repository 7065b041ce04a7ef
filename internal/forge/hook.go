package forge

// maxHook bounds what a webhook delivers, bytes: GitHub's largest are 25 MB.
// https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap
const maxHook = 25 << 20
