import LockstepPlatform

extension StatusPage? {
  /// The time where a timeline is recorded, and 0 elsewhere.
  package var flightClock: UInt64 { self?.timeline == nil ? 0 : SystemClock.now }

  /// Records, where there is a timeline, that a bucket's messages of this rank are complete now.
  ///
  /// - Parameters:
  ///   - number: the bucket's, the same on all ranks.
  ///   - isFolded: whether it is on its way back from its owner.
  ///   - start: when they were started, by ``flightClock``.
  package func recordFlight(ofBucket number: Int, sent: Bool, isFolded: Bool, since start: UInt64) {
    guard start > 0, let track = self?.timeline?.messages else { return }
    let activity: Activity =
      switch (sent, isFolded) {
      case (true, false): .sendPartial
      case (true, true): .sendFolded
      case (false, false): .receivePartial
      case (false, true): .receiveFolded
      }
    track.add(
      activity, Int32(truncatingIfNeeded: number), from: start, to: SystemClock.now)
  }
}
