import LockstepMPI

/// Messages around a ring.
func messageChecks<T: CheckNumber>(_: T.Type) -> Check {
  Check("messages.\(T.self)") { world, report in
    let (rank, size) = (world.rank, world.size)
    let right = (rank + 1) % size
    let left = (rank + size - 1) % size
    let own = samples(T.self, rank, 0..<6)
    let theirs = samples(T.self, left, 0..<6)
    let zeros = [T](repeating: T(small: 0), count: 6)

    report.expectEqual(
      try world.sendReceive(own, to: right, tag: 3, count: 10, from: left, receiveTag: 3), theirs,
      "sendReceive")
    report.expectEqual(
      try withBuffer(own) { try world.sendReceive(inPlace: $0, to: right, from: left) }, theirs,
      "sendReceive in place")

    let incoming = try MPIBuffer(repeating: T(small: 0), count: 6)
    try world.withRequests { scope in
      let request = try scope.receive(into: incoming, from: left, tag: 9)
      try scope.send(own, to: right, tag: 9, synchronous: true)
      let status = try request.wait()
      report.expectEqual(status.source, left, "source")
      report.expectEqual(status.tag, 9, "tag")
      report.expectEqual(status.count(of: T.self), 6, "count")
    }
    report.expectEqual(incoming.array, theirs, "non-blocking")

    guard size > 1 else { return }
    // Blocking, from rank 0 outwards and back.
    if rank == 0 {
      for peer in 1..<size {
        try world.send(samples(T.self, peer, 0..<peer), to: peer, tag: peer)
        try world.send(own, to: peer, tag: 0, synchronous: true)
      }
      for peer in 1..<size {
        report.expectEqual(
          try world.receive(T.self, from: peer, tag: peer), samples(T.self, peer, 0..<peer + 1),
          "of any length")
      }
    } else {
      report.expectEqual(
        try world.receive(T.self, from: 0, tag: rank), samples(T.self, rank, 0..<rank), "length")
      var status: MPIStatus?
      let received = try withBuffer(zeros) { status = try world.receive(into: $0, from: 0) }
      report.expectEqual(received, samples(T.self, 0, 0..<6), "synchronous")
      report.expectEqual(status?.count(of: T.self), 6, "status")
      try world.send(samples(T.self, rank, 0..<rank + 1), to: 0, tag: rank)
    }
  }
}

func specialMessageChecks() -> [Check] {
  [
    Check("probe") { world, report in
      let (rank, size) = (world.rank, world.size)
      report.expect(try world.probeNow(from: nil, tag: 77) == nil, "nothing was sent")
      guard size > 1 else { return }
      if rank > 0 {
        try world.send([Double](repeating: Double(rank), count: rank), to: 0, tag: 10 + rank)
      } else {
        var seen: Set<Int> = []
        for _ in 1..<size {
          let status = try world.probe(from: nil, tag: nil)
          report.expectEqual(status.tag, 10 + status.source, "tag tells the source")
          report.expectEqual(status.count(of: Double.self), status.source, "length")
          report.expectEqual(
            try world.probeNow(from: status.source, tag: status.tag), status, "probeNow agrees")
          let message = try world.receiveWithStatus(
            Double.self, from: status.source, tag: status.tag)
          report.expectEqual(
            message.values, [Double](repeating: Double(status.source), count: status.source),
            "values")
          seen.insert(status.source)
        }
        report.expectEqual(seen.count, size - 1, "each rank's message once")
      }
    },
    Check("wait.any-some-all") { world, report in
      let (rank, size) = (world.rank, world.size)
      let buffers = try (0..<size).map { _ in try MPIBuffer(repeating: 0, count: 2) }
      let later = try (0..<size).map { _ in try MPIBuffer(repeating: 0, count: 1) }
      try world.withRequests { scope in
        report.expect(try scope.waitAny() == nil, "nothing to wait for")
        report.expect(try scope.waitSome().isEmpty, "nothing to wait for")
        report.expect(try scope.testAll(), "nothing pending")
        for peer in 0..<size { try scope.receive(into: buffers[peer], from: peer, tag: 1) }
        report.expect(try scope.testAny() == nil, "nobody has sent yet")
        report.expect(try scope.testSome().isEmpty, "nobody has sent yet")
        report.expect(try !scope.testAll(), "receives are pending")
        try world.barrier()
        for peer in 0..<size { try scope.send([rank, peer], to: peer, tag: 1) }
        var sources: [Int] = []
        var reported = 0
        if let first = try scope.waitAny() {
          reported += 1
          if first.status.source >= 0 { sources.append(first.status.source) }
        }
        while reported < 2 * size {
          let some = try scope.waitSome()
          report.expect(!some.isEmpty, "waitSome returns something")
          if some.isEmpty { break }
          reported += some.count
          sources += some.map(\.status.source).filter { $0 >= 0 }
        }
        report.expectEqual(sources.sorted(), Array(0..<size), "each receive once")
        report.expect(try scope.testAll(), "all are done")

        for peer in 0..<size { try scope.receive(into: later[peer], from: peer, tag: 2) }
        for peer in 0..<size { try scope.send([10 * rank + peer], to: peer, tag: 2) }
        try scope.waitAll()
        report.expect(try scope.testAny() == nil, "all were reported")
      }
      for peer in 0..<size {
        report.expectEqual(buffers[peer].array, [peer, rank], "from \(peer)")
        report.expectEqual(later[peer].array, [10 * peer + rank], "later from \(peer)")
      }
    },
    Check("test") { world, report in
      let buffer = try MPIBuffer(repeating: Float(0), count: 1)
      try world.withRequests { scope in
        let request = try scope.receive(into: buffer, from: world.rank, tag: 5)
        report.expect(try request.test() == nil, "not yet sent")
        try scope.send([Float(world.rank) + 0.5], to: world.rank, tag: 5)
        while try request.test() == nil {}
        report.expectEqual(try buffer[0], Float(world.rank) + 0.5, "received")
        report.expectEqual(try request.wait().source, world.rank, "known status")
      }
    },
    Check("cancel") { world, report in
      let buffer = try MPIBuffer(repeating: 0, count: 1)
      try world.withRequests { scope in
        let request = try scope.receive(into: buffer, from: world.rank, tag: 6)
        try request.cancel()
        report.expect(try request.wait().isCancelled, "a receive is cancelled")
        let send = try scope.send([1], to: world.rank, tag: 7)
        report.expectError("MPI_Cancel", "only a receive can") {
          try send.cancel()
          // A small message may have gone at once; then there is nothing to refuse.
          if try send.test() != nil {
            throw MPIError(
              kind: .state, call: "MPI_Cancel", message: "only a receive can", rank: nil)
          }
        }
        report.expectEqual(try world.receive(Int.self, from: world.rank, tag: 7), [1], "arrives")
      }
    },
    Check("scope.throws") { world, report in
      struct Trouble: Error {}
      let buffer = try MPIBuffer(repeating: 0, count: 1)
      var escaped: MPIRequest?
      do {
        try world.withRequests { scope in
          escaped = try scope.receive(into: buffer, from: world.rank, tag: 8)
          throw Trouble()
        }
        report.expect(false, "the error was lost")
      } catch {
        report.expect(error is Trouble, "another error: \(error)")
      }
      report.expectError("MPI_Wait", "the scope of this request has ended") {
        _ = try escaped?.wait()
      }
      report.expectError("MPI_Test", "the scope of this request has ended") {
        _ = try escaped?.test()
      }
      // The cancelled receive takes no later message.
      try world.sendReceive([42], to: world.rank, tag: 8, count: 1, from: world.rank, receiveTag: 8)
        .forEach { report.expectEqual($0, 42, "the message is still for the taking") }
    },
    Check("scope.ends") { world, report in
      // After a scope nothing of it can be used, what has finished neither.
      var ended: (scope: MPIRequestScope, request: MPIRequest)?
      try world.withRequests { scope in
        let request = try scope.send([1], to: world.rank, tag: 9)
        _ = try scope.receive(into: MPIBuffer([0]), from: world.rank, tag: 9)
        try request.wait()
        ended = (scope, request)
      }
      guard let ended else { return report.expect(false, "no scope") }
      let words = "the scope of this request has ended"
      report.expectError("MPI_Wait", words) { try ended.request.wait() }
      report.expectError("MPI_Test", words) { _ = try ended.request.test() }
      report.expectError("MPI_Cancel", words) { try ended.request.cancel() }
      report.expectError("pin", words) { _ = try ended.scope.pin([1]) }
      report.expectError("MPI_Isend", words) { try ended.scope.send([1], to: world.rank) }
      report.expectError("MPI_Irecv", words) {
        try ended.scope.receive(into: MPIBuffer([1]), from: 0)
      }
      report.expectError("MPI_Ibarrier", words) { try ended.scope.barrier() }
      report.expectError("MPI_Waitall", words) { try ended.scope.waitAll() }
      report.expectError("MPI_Testall", words) { _ = try ended.scope.testAll() }
      report.expectError("MPI_Waitsome", words) { _ = try ended.scope.waitAny() }
      report.expectError("MPI_Testsome", words) { _ = try ended.scope.testSome() }
      report.expectError("MPI_Waitall", "unwindSeconds is nan") {
        try world.withRequests(unwindSeconds: .nan) { _ in }
      }
    },
    Check("scope.lives-long") { world, report in
      // Buffers go once their operations have finished, whoever waits; what has finished is not looked
      // at again.
      weak var gone: MPIBuffer<Int>?
      let count = 3000
      try world.withRequests { scope in
        var values = (sum: 0, seen: 0)
        for round in 0..<count {
          let incoming = MPIBuffer([0])
          gone = incoming
          try scope.receive(into: incoming, from: world.rank, tag: 3)
          try scope.send([round], to: world.rank, tag: 3)
          while let (request, _) = try scope.testAny() {
            _ = request
            values.seen += 1
          }
          values.sum += try incoming[0]
        }
        report.expect(gone == nil, "the scope keeps a buffer of a message that has arrived")
        try scope.waitAll()
        report.expectEqual(values.sum, count * (count - 1) / 2, "sum")
        report.expectEqual(scope.pendingCount, 0, "pending")
        for tag in 0..<count {
          try scope.receive(into: MPIBuffer([0]), from: world.rank, tag: tag)
        }
        for tag in 0..<count { try scope.send([tag], to: world.rank, tag: tag) }
        let before = scope.examined
        var waited = 0
        while try scope.waitAny() != nil { waited += 1 }
        report.expectEqual(waited, 2 * count, "each once")
        // MPICH's MPI_Waitsome gives few operations a call.
        report.expect(
          scope.examined - before <= 8 * count || MPILibrary.version.hasPrefix("MPICH"),
          "\(scope.examined - before) looks for \(2 * count) operations")
      }
    },
    Check("scope.failures") { world, report in
      // A message that is too long, or of another type, is the receive's error, told to whoever waits
      // for it, and nobody else's.
      let (rank, size) = (world.rank, world.size)
      let (right, left) = ((rank + 1) % size, (rank + size - 1) % size)
      let fine = MPIBuffer([0])
      func start(_ scope: MPIRequestScope) throws -> (bad: MPIRequest, good: MPIRequest) {
        // Sent first: Open MPI does not find out where a rank sends to itself.
        try scope.send([1, 2, 3], to: right, tag: 1)
        try scope.send([rank], to: right, tag: 2)
        try world.barrier()
        let bad = try scope.receive(into: MPIBuffer([0]), from: left, tag: 1)
        let good = try scope.receive(into: fine, from: left, tag: 2)
        return (bad, good)
      }
      let truncated = "rank \(rank): MPI_Irecv: "
      try world.withRequests { scope in
        let (bad, good) = try start(scope)
        report.expectError(truncated, " truncated") { try scope.waitAll() }
        report.expectEqual(try good.wait().byteCount, 8, "the other message")
        report.expectError(truncated, " truncated") { try bad.wait() }
        try scope.waitAll()
      }
      try world.withRequests { scope in
        let (bad, good) = try start(scope)
        report.expectError(truncated, " truncated") { try bad.wait() }
        try good.wait()
      }
      try world.withRequests { scope in
        _ = try start(scope)
        var errors = 0
        var reported = 0
        while errors + reported < 4 {
          do { reported += try scope.waitSome().count } catch { errors += 1 }
        }
        report.expectEqual(errors, 1, "errors")
      }
      report.expectError(truncated, " truncated") { try world.withRequests { _ = try start($0) } }
      // MPICH ends the process by an assertion of its own.
      if !MPILibrary.version.hasPrefix("MPICH") {
        try world.withRequests { scope in
          let floats = MPIBuffer([Float](repeating: 0, count: 4))
          let request = try scope.receive(into: floats, from: left, tag: 4)
          try scope.send([UInt8](repeating: 1, count: 7), to: right, tag: 4)
          report.expectError("MPI_Irecv", "7 bytes from rank \(left) is no whole number of Float") {
            try request.wait()
          }
        }
      }
      report.expectEqual(try world.allreduce(1, .sum), world.size, "and goes on")
    },
    Check("persistent") { world, report in
      let (rank, size) = (world.rank, world.size)
      let right = (rank + 1) % size
      let left = (rank + size - 1) % size
      let outgoing = try MPIBuffer(repeating: 0, count: 20)
      let incoming = try (0..<2).map { _ in try MPIBuffer(repeating: 0, count: 10) }
      let short = try world.duplicate()
      short.largestCount = 6
      for communicator in [world, short] {
        let messages = MPIPersistentMessages(on: communicator)
        for half in 0..<2 {
          try messages.addReceive(
            into: incoming[half].values, from: left, tag: half, owner: incoming[half])
          try messages.addSend(
            UnsafeBufferPointer(rebasing: outgoing.values[10 * half..<10 * half + 10]), to: right,
            tag: half, owner: outgoing)
        }
        for round in 0..<20 {
          for index in 0..<20 { outgoing.values[index] = 1000 * round + 100 * rank + index }
          try messages.start()
          report.expectError("MPI_Startall", "were started and not waited for") {
            try messages.start()
          }
          try messages.wait()
          for half in 0..<2 {
            report.expectEqual(
              incoming[half].array, (0..<10).map { 1000 * round + 100 * left + 10 * half + $0 },
              "round \(round)")
          }
        }
        report.expectError("MPI_Send_init", "destination \(size) is not a rank") {
          try messages.addSend(
            UnsafeBufferPointer(outgoing.values), to: size, owner: outgoing)
        }
      }
    },
    Check("spans") { world, report in
      let (rank, size) = (world.rank, world.size)
      let values = [Float(rank), 1]
      var sum = values
      var span = sum.mutableSpan
      try world.allreduce(inPlace: &span, .sum)
      report.expectEqual(sum, [Float(size * (size - 1) / 2), Float(size)], "allreduce")
      var copy = values
      var copySpan = copy.mutableSpan
      try world.broadcast(&copySpan, root: size - 1)
      report.expectEqual(copy, [Float(size - 1), 1], "broadcast")
      guard size > 1 else { return }
      if rank == 0 {
        try world.send(values.span, to: 1, tag: 4)
      } else if rank == 1 {
        var received: [Float] = [9, 9]
        var receivedSpan = received.mutableSpan
        let status = try world.receive(into: &receivedSpan, from: 0, tag: 4)
        report.expectEqual(received, [0, 1], "message")
        report.expectEqual(status.count(of: Float.self), 2, "length")
      }
    },
  ]
}
