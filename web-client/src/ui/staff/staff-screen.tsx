/** The screens of staff, in one piece of code that loads on demand. */
export { AuditScreen } from './audit-screen';
export { EditEventScreen } from './edit-event-screen';
export { SignInScreen } from './sign-in-screen';
export { StaffScreen } from './staff-list-screen';
