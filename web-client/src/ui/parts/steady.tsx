import { Component, type ComponentType, type JSX } from 'preact';

/**
 * A row of a long list: drawn again only when one of its properties is another, or a signal that it reads has changed.
 * So whoever uses it passes what the row needs, and the row does not read the whole room.
 */
export function steady<Props extends object>(Part: (props: Props) => JSX.Element | null): ComponentType<Props> {
  return class Steady extends Component<Props> {
    override shouldComponentUpdate(next: Readonly<Props>): boolean {
      return (Object.keys(next) as (keyof Props)[]).some((name) => next[name] !== this.props[name as keyof typeof this.props]);
    }

    override render(): JSX.Element {
      return <Part {...this.props} />;
    }
  };
}
