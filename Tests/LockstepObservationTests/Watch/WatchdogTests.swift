import LockstepCollective
import LockstepObservation
import LockstepTraining
import Synchronization
import LockstepTrainingTestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

@Suite struct WatchdogTests {
  /// What watchdogs say and judge, from their threads.
  final class Ear: Sendable {
    let messages = Mutex<[String]>([])
    let verdicts = Mutex<[Watchdog.Verdict]>([])

    /// Returns once so many watchdogs have judged, whatever the machine's speed.
    func wait(verdicts count: Int) {
      for _ in 0..<60_000 where verdicts.withLock(\.count) < count { usleep(1_000) }
    }
  }

  static func watch(
    _ group: any Collective, _ ear: Ear, deadline: Double,
    isInterrupted: @escaping @Sendable () -> Bool = { false }
  ) -> Watchdog {
    var patience = Watchdog.Patience(deadline: deadline)
    patience.interval = 0.01
    patience.moment = 0
    return Watchdog(
      group.page!, patience, isInterrupted: isInterrupted,
      announce: { message in ear.messages.withLock { $0.append(message) } },
      end: { verdict in ear.verdicts.withLock { $0.append(verdict) } })
  }

  @Test func whoWaitsTooLongSaysForWhom() throws {
    let ear = Ear()
    _ = try group(of: 3) { group in
      let watchdog = Self.watch(group, ear, deadline: 0.1)
      defer { watchdog.stop() }
      group.page!.own.enter(.computing, step: 5)
      if group.rank == 1 { ear.wait(verdicts: 2) }
      try group.barrier()
    }
    // A rank may learn that another has given the job up before it has lost its own patience, and say so.
    let (late, messages) = ear.messages.withLock { all in
      (
        all.filter { $0.hasPrefix("rank") && $0.contains(" given this job up ") },
        all.filter { !$0.contains(" given this job up ") }.sorted()
      )
    }
    #expect((1...2).contains(messages.count) && late.count <= 2)
    for message in messages {
      #expect(message.hasPrefix("rank 0 has waited ") || message.hasPrefix("rank 2 has waited "))
      #expect(message.contains(" s in step 5 (computing) for rank 1 (process "))
      #expect(message.contains("), which runs: it is in step 5, computing, busy for "))
    }
    let verdicts = ear.verdicts.withLock { $0 }
    #expect(verdicts.allSatisfy { $0.outcome.kind == .failed && $0.outcome.step == 4 })
    #expect(verdicts.allSatisfy { $0.outcome.exitCode == 1 })
  }

  /// The launcher kills all ranks as soon as one ends.
  @Test func nobodyEndsBeforeTheOthersHaveSpoken() throws {
    let ear = Ear()
    let heard = Mutex<[Int]>([])
    _ = try group(of: 3) { group in
      var patience = Watchdog.Patience(deadline: 0.1)
      patience.interval = 0.01
      let rank = group.rank
      let watchdog = Watchdog(
        group.page!, patience, isInterrupted: { false },
        announce: { message in
          if rank == 2 { usleep(400_000) }
          ear.messages.withLock { $0.append(message) }
        },
        end: { verdict in
          heard.withLock { $0.append(ear.messages.withLock(\.count)) }
          ear.verdicts.withLock { $0.append(verdict) }
        })
      defer { watchdog.stop() }
      group.page!.own.enter(.computing, step: 5)
      if rank == 1 { ear.wait(verdicts: 2) }
      try group.barrier()
    }
    // The rank that is late may end, too; it is not waited for.
    let counts = heard.withLock { $0 }
    #expect((2...3).contains(counts.count) && counts.allSatisfy { $0 >= 2 })
  }

  @Test(arguments: [RankStatus.Phase.evaluating, .checkpointing])
  func someWaitsTakeLonger(phase: RankStatus.Phase) throws {
    let ear = Ear()
    _ = try group(of: 2) { group in
      let watchdog = Self.watch(group, ear, deadline: 0.05)
      watchdog.patience.longDeadline = 600
      defer { watchdog.stop() }
      group.page!.own.enter(phase, step: 5)
      if group.rank == 1 { usleep(300_000) }
      try group.barrier()
    }
    #expect(ear.messages.withLock { $0.isEmpty })
  }
}
