import LockstepEngine

extension Provided: GradientTransform {
  public func validate() throws {}
  public func bind(to context: TransformContext) throws -> any BoundTransform { switch self {} }
}
