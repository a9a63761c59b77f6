import LockstepCollective

extension InProcessRank: ExchangeMaking {
  package func makeExchange(
    for plan: FoldPlan, of source: (any GradientSource)?
  ) throws -> any GradientExchange {
    let exchange = try InProcessExchange(plan, rank, meeting, page)
    return SufficientFactorExchange(exchange, of: source, plan, on: self) {
      [meeting, rank] count, _ in
      try meeting.makeArena(rank, count)
    } ?? exchange
  }
}
