import LockstepMPI

MPISession.run(threadLevel: .funneled) { world in
  let mean = try world.allreduce(Double(world.rank), .sum) / Double(world.size)
  let left = (world.rank + world.size - 1) % world.size
  let right = (world.rank + 1) % world.size
  let incoming = try MPIBuffer(repeating: Float(0), count: 1000)
  try world.withRequests { scope in
    try scope.receive(into: incoming, from: left)
    try scope.send([Float](repeating: Float(mean), count: 1000), to: right)
  }
  if world.rank == 0 { print("mean \(mean), received \(try incoming[999])") }
}

print("updates \(try documentedUpdate()), \(try documentedLayer())")
print("extensions \(try documentedExtensions())")
print("noise \(abs(try documentedNoise() - 0.01) < 0.001)")
print("same bits \(try trainingHasTheSameBits())")
print("second-order step \(try documentedTransfer())")
print("sources \(try documentedSources()), \(try documentedTokens())")
print("listening \(try documentedListening())")
