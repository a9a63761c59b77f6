import LockstepCollective
import LockstepObservation
import LockstepMPI

extension NetworkLink {
  /// Measures the links between nodes, all at once and in both directions, in some tens of
  /// milliseconds. Called by all ranks; the slowest link counts, and the result is the same on all.
  ///
  /// The first rank of each node sends to that of the next and receives from that of the one before,
  /// as owners of slices do: 64 bytes for the latency, the median of 16 exchanges; for the bandwidth
  /// 64 KiB and four times as much again, up to 4 MiB, until an exchange takes 4 ms.
  static func measure(
    between nodes: [Range<Int>], on parent: MPICommunicator, page: StatusPage?
  ) throws -> NetworkLink {
    // Its own communicator, so that nobody else's messages match.
    let communicator = try page.waiting { try parent.duplicate() }
    let home = nodes.firstIndex { $0.lowerBound == communicator.rank }
    let peers = home.map { home in
      (
        next: nodes[(home + 1) % nodes.count].lowerBound,
        last: nodes[(home + nodes.count - 1) % nodes.count].lowerBound
      )
    }
    /// The median time of an exchange, of the slowest node.
    func exchange(bytes: Int, times: Int) throws -> Double {
      var seconds: [Double] = []
      if let peers {
        let (sent, received) = (
          try MPIBuffer(repeating: UInt8(0), count: bytes),
          try MPIBuffer(repeating: UInt8(0), count: bytes)
        )
        let messages = MPIPersistentMessages(on: communicator)
        try messages.addReceive(into: received.values, from: peers.last, owner: received)
        try messages.addSend(UnsafeBufferPointer(sent.values), to: peers.next, owner: sent)
        for _ in 0..<times {
          let start = try MPILibrary.wallTime()
          try messages.start()
          try messages.wait { page?.own.awaits($0) }
          seconds.append(try MPILibrary.wallTime() - start)
        }
      }
      let median = seconds.isEmpty ? 0 : seconds.sorted()[seconds.count / 2]
      return try communicator.allreduce(median, .maximum)
    }
    return try page.waiting {
      // Connections are made by the first messages.
      _ = try exchange(bytes: 64, times: 2)
      let latency = max(try exchange(bytes: 64, times: 16), 1e-7)
      var bytes = 64 << 10
      var seconds = try exchange(bytes: bytes, times: 3)
      while seconds < 4e-3, bytes < 4 << 20 {
        bytes *= 4
        seconds = try exchange(bytes: bytes, times: 3)
      }
      return NetworkLink(
        latency: latency, bandwidth: Double(bytes) / max(seconds - latency, 1e-7))
    }
  }
}
