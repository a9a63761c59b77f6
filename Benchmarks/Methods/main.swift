import Lockstep

// compare-methods autoencoder [SECONDS [METHOD…]]: the Hessian-free step beside momentum and Adam, all of
// them or some (hessian-free, momentum, adam).
// compare-methods transfer: a trunk trained on the digits 0–4, fine-tuned on 5–9.
//
// Results go to standard output as lines of tab-separated values.

switch CommandLine.arguments.dropFirst().first {
case "autoencoder":
  let seconds = CommandLine.arguments.dropFirst(2).first.flatMap { Double($0) } ?? 60
  let methods = Array(CommandLine.arguments.dropFirst(3))
  var comparison = AutoencoderComparison(seconds: seconds)
  if !methods.isEmpty { comparison.methods = methods }
  try comparison.run()
case "transfer": try TransferComparison().run()
default: print("usage: compare-methods autoencoder [SECONDS [METHOD…]] | transfer")
}
