import Lockstep

// compare-methods autoencoder [SECONDS]: the Hessian-free step beside momentum and Adam.
// compare-methods transfer: a trunk trained on the digits 0–4, fine-tuned on 5–9.
//
// Results go to standard output as lines of tab-separated values.

switch CommandLine.arguments.dropFirst().first {
case "autoencoder":
  let seconds = CommandLine.arguments.dropFirst(2).first.flatMap { Double($0) } ?? 60
  try AutoencoderComparison(seconds: seconds).run()
case "transfer": try TransferComparison().run()
default: print("usage: compare-methods autoencoder [SECONDS] | transfer")
}
